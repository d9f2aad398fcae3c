// `mnp rm RUN`: removes a run's folder, with its journal, output and results.
#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/commands.hpp"
#include "launcher/local_host.hpp"
#include "launcher/run_folder.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

struct Size {
  uint64_t files = 0, bytes = 0;
};

Result<Size> size_of(const RunFolder& run) {
  MNP_TRY(const auto sizes, run.store->sizes(run.keys().run));
  Size size;
  for (const auto& [key, bytes] : sizes) {
    ++size.files;
    size.bytes += bytes;
  }
  return size;
}

/// Nobody may run it: neither an `mnp`, nor a node that an earlier one has left.
Status refuse_live(const RunFolder& run) {
  MNP_TRY(const auto nodes, held_node_locks(run));
  if (nodes.empty()) return {};
  return fail(
      Code::kExists,
      fmt::format("{}: {} of its nodes are still there: {}; wait for their end, or end them",
                  run.id, nodes.size(), join(nodes, ", ")));
}

std::string as_json(const RunFolder& run, const Size& size, bool removed) {
  nlohmann::ordered_json json;
  json["run"] = run.id;
  json["path"] = run.place();
  json["files"] = size.files;
  json["bytes"] = size.bytes;
  json["removed"] = removed;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<int> run(const RmOptions& options) {
  MNP_TRY(const auto store, open_store(options.store));
  MNP_TRY(const auto found, find_one_run(store, options.run));
  MNP_CHECK(refuse_foreign(found, Look::kTwice));
  MNP_TRY(const auto lock, lock_run(found));
  MNP_CHECK(refuse_live(found));
  (void)::ftruncate(lock.fd().get(), 0);  // who held it is gone, and must not be asked to stop
  MNP_TRY(const Size size, size_of(found));
  if (!options.dry_run) {
    if (const auto submitted = found.submitted()) remove_left_scratch(found.id, *submitted);
    MNP_CHECK(remove_run(found));
  }
  if (options.json)
    fmt::print("{}\n", as_json(found, size, !options.dry_run));
  else
    fmt::print("{} {}: {} files, {}\n", options.dry_run ? "would remove" : "removed", found.place(),
               size.files, format_bytes(size.bytes));
  return 0;
}

}  // namespace mnp::launcher
