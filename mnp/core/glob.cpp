#include "mnp/core/glob.hpp"

#include <fnmatch.h>

#include <string>
#include <vector>

#include "mnp/core/text.hpp"

namespace mnp {
namespace {

using Words = std::vector<std::string>;

bool match_from(const Words& pattern, size_t p, const Words& path, size_t at) {
  if (p == pattern.size()) return at == path.size();
  if (pattern[p] == "**") {
    for (size_t skip = at; skip <= path.size(); ++skip)
      if (match_from(pattern, p + 1, path, skip)) return true;
    return false;
  }
  return at < path.size() && ::fnmatch(pattern[p].c_str(), path[at].c_str(), 0) == 0 &&
         match_from(pattern, p + 1, path, at + 1);
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  return match_from(split(pattern, '/'), 0, split(path, '/'), 0);
}

}  // namespace mnp
