// The little of the shell's language that MPI launchers write; read, never run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/result.hpp"

namespace mnp::node {

/// A stretch of a word: literal text, or the name of an environment variable to be put there.
struct EnvPiece {
  bool reference = false;
  std::string text;

  bool operator==(const EnvPiece&) const = default;
};

struct ShellToken {
  enum class Kind { kWord, kSemicolon, kOpen, kClose, kOr };  // ; ( ) ||
  Kind kind = Kind::kWord;
  std::vector<EnvPiece> pieces;  // of a word; empty for ""

  bool operator==(const ShellToken&) const = default;
};

/// Words with '...' and "...", $NAME, ${NAME}, ${NAME:-}, and the operators above. kProtocol for
/// everything else that a shell would give a meaning to.
Result<std::vector<ShellToken>> read_shell_text(std::string_view text);

}  // namespace mnp::node
