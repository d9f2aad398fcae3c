#include "mnp/node/inputs.hpp"

#include <set>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/model/published.hpp"

namespace mnp::node {
namespace {

Status link_one(const fs::path& source, const fs::path& link) {
  std::error_code error;
  fs::remove(link, error);
  fs::create_symlink(source, link, error);
  if (error)
    return fail(Code::kIo,
                fmt::format("link {} to {}: {}", link.string(), source.string(), error.message()));
  return {};
}

}  // namespace

fs::path input_source(const fs::path& store, const model::RunKeys& run, const model::Input& input) {
  if (!input.from_stage) return input.source;
  return store / model::StageKeys::of(run, input.source).results();
}

Status link_inputs(const fs::path& store, const model::RunKeys& run, const model::StageSpec& spec,
                   const fs::path& folder, bool here) {
  MNP_CHECK(make_folders(folder));
  if (!spec.stage_inputs) return {};
  for (const model::Input& input : spec.inputs) {
    if (input.broadcast && !here) continue;
    const fs::path source = input_source(store, run, input);
    if (input.source.find("://") != std::string::npos)
      return fail(Code::kConfig, fmt::format("input {}: {}: this build reads folders and files "
                                             "only; copy it to a disk first",
                                             input.name, input.source));
    std::error_code error;
    const bool there = fs::exists(source, error);
    if (error == std::errc::io_error)
      return fail(Code::kStore,
                  fmt::format("input {}: {}: {}", input.name, source.string(), error.message()));
    if (!there)
      return fail(Code::kConfig,
                  input.from_stage
                      ? fmt::format("input {}: stage {} has published nothing ({} is not there); "
                                    "where only its end matters, name it under `after:`",
                                    input.name, input.source, source.string())
                      : fmt::format("input {}: {} is not there", input.name, source.string()));
    MNP_CHECK(link_one(source, folder / input.name));
  }
  return {};
}

Status check_inputs(FolderStore& store, const model::RunKeys& run, const model::Plan& plan,
                    const model::StageSpec& spec) {
  std::set<std::string> seen;
  for (const model::Input& input : spec.inputs) {
    const model::StagePlan* const stage = input.from_stage ? plan.find(input.source) : nullptr;
    if (stage == nullptr || !seen.insert(input.source).second) continue;
    if (auto as_left = model::check_published(store, run, *stage); !as_left)
      return fail(as_left.error().within("input " + input.name));
  }
  return {};
}

std::string input_places(const fs::path& store, const model::RunKeys& run,
                         const model::StageSpec& spec) {
  std::string lines;
  for (const model::Input& input : spec.inputs)
    lines += input.name + " " + input_source(store, run, input).string() + "\n";
  return lines;
}

void remove_unlinked(const fs::path& received, const fs::path& folder) {
  std::set<fs::path> linked;
  if (const auto names = list_folder(folder))
    for (const std::string& name : *names) {
      std::error_code error;
      linked.insert(fs::read_symlink(folder / name, error));
    }
  const auto there = list_folder(received);
  for (const std::string& name : there ? *there : std::vector<std::string>{})
    if (linked.count(received / name) == 0)
      if (auto removed = remove_tree(received / name); !removed)
        log::warning("{}", removed.error().text);
}

Status link_broadcast(const fs::path& folder, const std::string& name, const fs::path& received) {
  MNP_CHECK(make_folders(folder));
  return link_one(received, folder / name);
}

}  // namespace mnp::node
