// Path patterns: `*`, `?` and `[...]` within one folder, `**` over any number of folders.
#pragma once

#include <string_view>

namespace mnp {

/// Whether the whole relative path matches. A component `**` stands for zero or more folders;
/// every other component is matched as fnmatch(3) does.
bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace mnp
