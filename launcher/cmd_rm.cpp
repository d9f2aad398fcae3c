// `mnp rm RUN`: removes a run's folder, with its journal, output and results.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/cli.hpp"
#include "launcher/local_host.hpp"
#include "launcher/run_folder.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

struct Options {
  std::string run, store;
  bool dry_run = false, json = false;
};

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

Result<int> run(const Options& options) {
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

}  // namespace

void add_rm(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("rm", "remove a run with all that it has left");
  command->add_option("RUN", options->run, "a run's id, or the start of exactly one")
      ->type_name("")
      ->required();
  add_store_option(*command, options->store);
  command->add_flag("--dry-run", options->dry_run, "say what would be removed, and remove nothing");
  command->add_flag("--json", options->json, "{run, path, files, bytes, removed}");
  command->footer(
      "Asks nothing. Removes journal, output and results; copy first what you still need. A run\n"
      "that is under way is refused: `mnp stop` it first.\n"
      "\nExamples:\n  mnp rm reconstruction-20260131-142501-k3f9\n"
      "  mnp rm reconstruction-20260131 --dry-run");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace mnp::launcher
