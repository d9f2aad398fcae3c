#include "launcher/run_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::launcher {
namespace {

constexpr size_t kMaxListed = 5;  // runs named in a message
constexpr auto kWriteLimit = Milliseconds(2000);

fs::path lock_path(const RunFolder& run) {
  return run.path() / ".lock";
}

double changed_at(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return static_cast<double>(info.st_mtim.tv_sec) + static_cast<double>(info.st_mtim.tv_nsec) / 1e9;
}

RunHolder read_holder(const fs::path& path) {
  RunHolder holder;
  const auto text = read_file(path, 4096);
  if (!text) return holder;
  const auto words = split(trim(*text), ' ');
  holder.pid = parse_integer(words.front()).value_or(0);
  if (words.size() > 1) holder.host = words[1];
  return holder;
}

Error no_such_run(const fs::path& store, const std::string& name,
                  const std::vector<RunFolder>& runs) {
  if (runs.empty())
    return {Code::kNotFound, fmt::format("{}: no runs there; name another store with --store DIR "
                                         "or MNP_STORE",
                                         store.string())};
  std::vector<std::string> names;
  for (const auto& run : runs) names.push_back(run.id);
  const std::string near = nearest(name, names);
  return {Code::kNotFound, fmt::format("no run '{}' in {}; {}", name, store.string(),
                                       near.empty() ? "`mnp list` shows what there is"
                                                    : "do you mean " + near + "?")};
}

/// The one run whose id starts with `name`.
Result<RunFolder> only_start(const fs::path& store, const std::string& name,
                             const std::vector<RunFolder>& runs) {
  std::vector<std::string> candidates;
  const RunFolder* match = nullptr;
  for (const RunFolder& run : runs) {
    if (name.empty() || !starts_with(run.id, name)) continue;
    match = &run;
    if (candidates.size() < kMaxListed) candidates.push_back(run.id);
  }
  if (match == nullptr) return fail(no_such_run(store, name, runs));
  if (candidates.size() == 1) return *match;
  return fail(Code::kUsage, fmt::format("'{}' is the start of several runs: {}; type more of it",
                                        name, join(candidates, ", ")));
}

}  // namespace

Result<fs::path> store_folder(const std::string& option, const std::string& named) {
  std::string chosen = option;
  const char* variable = std::getenv(model::kStore);
  if (chosen.empty() && variable != nullptr) chosen = variable;
  if (chosen.empty()) chosen = named.empty() ? "mnp-runs" : named;
  if (chosen.find("://") != std::string::npos)
    return fail(Code::kConfig, fmt::format("store {}: this build keeps runs in folders only; type "
                                           "--store DIR",
                                           chosen));
  return fs::absolute(chosen).lexically_normal();
}

std::string RunFolder::store_words() const {
  const auto usual = store_folder("");
  return usual && *usual == store_path ? "" : " --store " + store_path.string();
}

Result<model::Plan> RunFolder::plan() const {
  MNP_TRY(const auto text, store->get(keys().plan()));
  auto plan = model::plan_from_json(text);
  if (!plan) return fail(plan.error().within(store->url(keys().plan())));
  return plan;
}

Result<Submitted> RunFolder::submitted() const {
  const auto text = store->get(keys().submitted());
  if (!text && text.error().code == Code::kNotFound) return Submitted{id, {}};
  if (!text) return fail(text.error());
  auto submitted = submitted_from_json(*text);
  if (!submitted) return fail(submitted.error().within(store->url(keys().submitted())));
  return submitted;
}

RunFolder run_folder(const fs::path& store, const std::string& id) {
  return {id, std::make_shared<FolderStore>(store), store};
}

Result<std::vector<RunFolder>> all_runs(const fs::path& store) {
  const auto names = list_folder(store / "runs");
  if (!names && names.error().code == Code::kNotFound) return std::vector<RunFolder>{};
  if (!names) return fail(names.error());
  std::vector<std::pair<double, RunFolder>> found;
  for (const std::string& name : *names) {
    RunFolder run = run_folder(store, name);
    const double planned = changed_at(store / run.keys().plan());
    if (planned > 0) found.emplace_back(planned, std::move(run));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<RunFolder> runs;
  for (auto& [time, run] : found) runs.push_back(std::move(run));
  return runs;
}

Result<RunFolder> find_run(const fs::path& store, const std::string& name) {
  MNP_TRY(const auto runs, all_runs(store));
  if (name.empty() && !runs.empty()) return runs.front();
  for (const RunFolder& run : runs)
    if (run.id == name || model::pipeline_of_run(run.id) == name) return run;  // newest first
  return only_start(store, name, runs);
}

Result<RunFolder> find_one_run(const fs::path& store, const std::string& name) {
  MNP_TRY(const auto runs, all_runs(store));
  for (const RunFolder& run : runs)
    if (run.id == name) return run;
  return only_start(store, name, runs);
}

Result<std::optional<RunHolder>> holder_of(const RunFolder& run) {
  std::error_code error;
  if (!fs::exists(lock_path(run), error)) return std::nullopt;
  MNP_TRY(const bool held, is_locked(lock_path(run)));
  if (!held) return std::nullopt;
  return read_holder(lock_path(run));
}

Result<FileLock> lock_run(const RunFolder& run) {
  MNP_TRY(auto lock, FileLock::acquire(lock_path(run)));
  if (lock) return std::move(*lock);
  const RunHolder holder = read_holder(lock_path(run));
  return fail(Code::kExists,
              fmt::format("{} is running: process {} on {} holds it; `mnp stop {}{}` stops it",
                          run.id, holder.pid, holder.host, run.id, run.store_words()));
}

Result<FileLock> hold_run(const RunFolder& run) {
  MNP_TRY(auto lock, lock_run(run));
  const std::string text = fmt::format("{} {}\n", ::getpid(), host_name());
  if (::ftruncate(lock.fd().get(), 0) != 0) return fail_errno(lock_path(run).string());
  if (auto written = write_all(lock.fd().get(), text, Clock::now() + kWriteLimit); !written)
    return fail(Code::kStore, fmt::format("{}: {}", lock_path(run).string(), written.error().text));
  return lock;
}

Result<std::vector<std::string>> held_node_locks(const RunFolder& run) {
  const fs::path folder = run.path() / ".locks";
  const auto names = list_folder(folder);
  std::vector<std::string> held;
  if (!names && names.error().code == Code::kNotFound) return held;
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    MNP_TRY(const bool locked, is_locked(folder / name));
    if (locked) held.push_back(name);
  }
  return held;
}

Status refuse_foreign(const RunFolder& run) {
  MNP_TRY(const auto submitted, run.submitted());
  if (!submitted.submissions.empty()) return {};
  MNP_TRY(const auto held, held_node_locks(run));
  if (held.empty()) return {};
  return fail(Code::kExists,
              fmt::format("{} is under way in an mnp-node that no `mnp` has started ({} in {} is "
                          "held); end its job",
                          run.id, join(held, ", "), (run.path() / ".locks").string()));
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace mnp::launcher
