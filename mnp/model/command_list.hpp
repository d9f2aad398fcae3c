// The list of commands: one a line, run by `/bin/sh -c` semantics.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::model {

/// Bytes of a line. The kernel takes 128 KiB for one argument (MAX_ARG_STRLEN in linux/binfmts.h),
/// and counts the NUL at its end.
inline constexpr size_t kMaxLine = (size_t{128} << 10) - 1;
inline constexpr size_t kMaxListBytes = size_t{4} << 30;
inline constexpr uint64_t kMaxCommands = uint64_t{1} << 31;

/// An indexed list over a mapped file: about 8 bytes of memory a command beyond the text, which
/// stays in the page cache. Blank lines and lines that start with `#` are skipped, CRLF is
/// accepted; a NUL byte, a line over kMaxLine or an unreadable file is an error that names the
/// line (`list.txt:17: ...`). Ten million lines (1 GB) index in seconds.
class CommandList {
 public:
  static Result<CommandList> open(const fs::path& path) { return open(path, path.string()); }
  static Result<CommandList> open(const fs::path& path, const std::string& name);  // for messages
  static Result<CommandList> parse(std::string text, const std::string& name);     // inline lists
  /// The list of one command that a `program` is in its journal.
  static Result<CommandList> of_program(std::string program);
  CommandList(CommandList&&) noexcept;
  CommandList& operator=(CommandList&&) noexcept;
  ~CommandList();

  uint32_t size() const;
  /// The line as it is run: no line end, no trailing `# cost=` hint.
  std::string_view line(CommandIndex index) const;
  /// The hint's seconds (`# cost=12.5`); 0 when there is none.
  double cost(CommandIndex index) const;
  bool has_costs() const;

  /// Identity of a command: a 64-bit hash of its text mixed with its occurrence number among
  /// equal lines, so that editing or reordering a list never confuses two commands. Computed for
  /// the whole list at once (one element a command).
  std::vector<uint64_t> identities() const;
  /// Hash over all lines in order: equal lists, equal digest.
  uint64_t digest() const;

 private:
  struct Storage;
  explicit CommandList(std::unique_ptr<Storage> storage);
  std::unique_ptr<Storage> storage_;
};

}  // namespace mnp::model
