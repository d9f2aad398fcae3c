// Which command lines need no shell.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mnp::cpu {

/// The words of a line that every POSIX shell would start as one program with just these
/// arguments; nullopt for every line that has to go through /bin/sh, and for all that are in doubt:
/// expansions, globs, redirections, several commands, assignments in front, comments, reserved
/// words, names that shells have built in, and bytes outside printable ASCII. Quotes are
/// understood where what they hold is literal.
std::optional<std::vector<std::string>> plain_words(std::string_view line);

}  // namespace mnp::cpu
