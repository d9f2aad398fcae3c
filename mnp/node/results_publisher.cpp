#include "mnp/node/results_publisher.hpp"

#include <tuple>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

constexpr size_t kMaxPathBytes = size_t{4} << 20;  // of all files of one command

/// What a record can hold.
Status check_limits(const std::vector<std::string>& paths) {
  size_t bytes = 0;
  for (const std::string& path : paths) {
    if (path.size() > model::kMaxResultPath)
      return fail(Code::kConfig, fmt::format("a path of {} bytes, {} are allowed", path.size(),
                                             model::kMaxResultPath));
    bytes += path.size();
  }
  if (paths.size() <= model::kMaxResultFiles && bytes <= kMaxPathBytes) return {};
  return fail(Code::kConfig, fmt::format("{} files with {} of paths; a command may leave {} files "
                                         "with {}: pack them into an archive",
                                         paths.size(), format_bytes(bytes), model::kMaxResultFiles,
                                         format_bytes(kMaxPathBytes)));
}

}  // namespace

Result<bool> may_replace(const Origin& there, const Origin& who, const std::string& path) {
  // A line that was edited stands where it stood.
  const bool edited = there.command == who.command && who.owner > there.owner;
  if (there.identity != who.identity && !edited)
    return fail(Code::kConfig,
                fmt::format("commands {} and {} both publish '{}'; give them different paths, or "
                            "let `reduce` match it",
                            there.command.value(), who.command.value(), path));
  return std::tuple(who.owner, who.start) >= std::tuple(there.owner, there.start);
}

Result<std::vector<std::string>> files_to_publish(const fs::path& from) {
  auto paths = list_files_below(from);
  if (!paths && paths.error().code == Code::kNotFound) return std::vector<std::string>{};
  if (paths) MNP_CHECK(check_limits(*paths));
  return paths;
}

Status check_name(const std::string& path, const Origin& who) {
  const std::string first = path.substr(0, path.find('/'));
  if (first != ".names" && first != ".incoming") return {};
  return fail(Code::kConfig, fmt::format("command {} publishes '{}': this name is taken for our "
                                         "own use",
                                         who.command.value(), path));
}

}  // namespace mnp::node
