#include "launcher/run_folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "aws/crew.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::launcher {
namespace {

constexpr size_t kMaxListed = 5;          // runs named in a message
constexpr size_t kLooksAtOnce = 16;       // at runs in S3
constexpr double kSilent = 60;            // seconds without progress of a run that lives
constexpr Milliseconds kLookAgain{3000};  // for progress that is written each second
constexpr auto kWriteLimit = Milliseconds(2000);

fs::path lock_path(const RunFolder& run) {
  return run.local() / ".lock";
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

Error no_such_run(const RunStore& store, const std::string& name,
                  const std::vector<RunFolder>& runs) {
  if (runs.empty())
    return {Code::kNotFound, fmt::format("{}: no runs there; name another store with --store or "
                                         "MNP_STORE",
                                         store.name)};
  std::vector<std::string> names;
  for (const auto& run : runs) names.push_back(run.id);
  const std::string near = nearest(name, names);
  return {Code::kNotFound, fmt::format("no run '{}' in {}; {}", name, store.name,
                                       near.empty() ? "`mnp list` shows what there is"
                                                    : "do you mean " + near + "?")};
}

/// The one run whose id starts with `name`.
Result<RunFolder> only_start(const RunStore& store, const std::string& name,
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

std::string RunFolder::store_words() const {
  const auto usual = open_store("");
  return usual && usual->name == in.name ? "" : " --store " + in.name;
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

RunFolder run_folder(const RunStore& store, const std::string& id) {
  return {id, store, store.store};
}

Result<std::vector<RunFolder>> all_runs(const RunStore& store) {
  MNP_TRY(const auto names, store.store->names("runs"));
  std::vector<std::pair<double, RunFolder>> found;
  for (const std::string& name : names) found.emplace_back(0, run_folder(store, name));
  aws::Crew crew(store.in_s3() ? kLooksAtOnce : 1);
  for (auto& each : found)
    crew.add([&each]() -> Status {
      const auto time = each.second.store->modified(each.second.keys().plan());
      if (!time && time.error().code != Code::kNotFound) return fail(time.error());
      each.first = time.value_or(0);
      return {};
    });
  MNP_CHECK(crew.finish());
  std::erase_if(found, [](const auto& each) { return each.first == 0; });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<RunFolder> runs;
  for (auto& [time, run] : found) runs.push_back(std::move(run));
  return runs;
}

Result<RunFolder> find_run(const RunStore& store, const std::string& name) {
  MNP_TRY(const auto runs, all_runs(store));
  if (name.empty() && !runs.empty()) return runs.front();
  for (const RunFolder& run : runs)
    if (run.id == name || model::pipeline_of_run(run.id) == name) return run;  // newest first
  return only_start(store, name, runs);
}

Result<RunFolder> find_one_run(const RunStore& store, const std::string& name) {
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
  MNP_CHECK(make_folders(run.local()));
  MNP_TRY(auto lock, FileLock::acquire(lock_path(run)));
  if (!lock) {
    const RunHolder holder = read_holder(lock_path(run));
    if (holder.pid <= 1)
      return fail(Code::kExists, run.id +
                                     " is held by a process that its .lock does not name, as "
                                     "`mnp rm` does; try again once that has ended");
    return fail(Code::kExists,
                fmt::format("{} is running: process {} on {} holds it; `mnp stop {}{}` stops it",
                            run.id, holder.pid, holder.host, run.id, run.store_words()));
  }
  return std::move(*lock);
}

Result<FileLock> hold_run(const RunFolder& run) {
  MNP_TRY(FileLock lock, lock_run(run));
  const std::string text = fmt::format("{} {}\n", ::getpid(), host_name());
  if (::ftruncate(lock.fd().get(), 0) != 0) return fail_errno(lock_path(run).string());
  if (auto written = write_all(lock.fd().get(), text, Clock::now() + kWriteLimit); !written)
    return fail(Code::kStore, fmt::format("{}: {}", lock_path(run).string(), written.error().text));
  return lock;
}

Result<std::vector<std::string>> held_node_locks(const RunFolder& run) {
  const fs::path folder = run.local() / ".locks";
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

std::optional<model::Progress> read_progress(const RunFolder& run, const std::string& stage) {
  const auto text = run.store->get(run.stage(stage).progress());
  if (!text) return std::nullopt;
  auto progress = model::progress_from_json(*text);
  return progress ? std::optional(*progress) : std::nullopt;
}

namespace {

/// By stage, of those that have one; an error of the store is no absence.
Result<std::map<std::string, model::Progress>> progress_of_stages(const RunFolder& run,
                                                                  const model::Plan& plan) {
  std::map<std::string, model::Progress> found;
  for (const auto& stage : plan.stages) {
    const auto text = run.store->get(run.stage(stage.spec.name).progress());
    if (!text && text.error().code == Code::kNotFound) continue;
    if (!text) return fail(text.error().within("whether the run is under way"));
    if (auto progress = model::progress_from_json(*text))
      found[stage.spec.name] = std::move(*progress);
  }
  return found;
}

tl::unexpected<Error> under_way_elsewhere(const RunFolder& run, const std::string& stage,
                                          double silent) {
  return fail(Code::kExists,
              fmt::format("{} is under way on another machine: stage {} was heard of {:.0f} s "
                          "ago; end it there, or wait until it has been silent for {:.0f} s",
                          run.id, stage, std::max(silent, 0.0), kSilent));
}

/// No lock of S3 can say so: main nodes write their progress each second.
Status refuse_elsewhere(const RunFolder& run, const Submitted& submitted, Look look) {
  std::error_code error;
  const auto& submissions = submitted.submissions;
  const bool was_run_here = fs::exists(lock_path(run), error) && !submissions.empty() &&
                            submissions.back().host == host_name();
  if (!run.in.in_s3() || was_run_here) return {};  // a lock tells
  const bool may_run =
      submissions.empty() ||
      std::any_of(submissions.back().jobs.begin(), submissions.back().jobs.end(),
                  [](const auto& job) { return !model::has_ended(job.detail.state); });
  if (!may_run) return {};
  MNP_TRY(const auto plan, run.plan());
  MNP_TRY(const auto before, progress_of_stages(run, plan));
  bool may_go_on = false;
  for (const auto& [stage, progress] : before) {
    // Of a job without `mnp run` only its progress tells; Batch may try it again.
    if (submissions.empty() && progress.ended > 0 && progress.status / 10 != 3) continue;
    may_go_on = true;
    const double silent = wall_seconds() - progress.updated;
    if (silent < kSilent && (look == Look::kOnce || silent > -kSilent))
      return under_way_elsewhere(run, stage, silent);
  }
  if (!may_go_on || look == Look::kOnce) return {};
  std::this_thread::sleep_for(kLookAgain);
  MNP_TRY(const auto after, progress_of_stages(run, plan));
  for (const auto& [stage, progress] : after)
    if (const auto found = before.find(stage);
        found == before.end() || found->second.updated != progress.updated)
      return under_way_elsewhere(run, stage, 0);
  return {};
}

}  // namespace

Status refuse_foreign(const RunFolder& run, Look look) {
  MNP_TRY(const auto submitted, run.submitted());
  MNP_CHECK(refuse_elsewhere(run, submitted, look));
  if (!submitted.submissions.empty()) return {};
  MNP_TRY(const auto held, held_node_locks(run));
  if (held.empty()) return {};
  return fail(Code::kExists,
              fmt::format("{} is under way in an mnp-node that no `mnp` has started ({} in {} is "
                          "held); end its job",
                          run.id, join(held, ", "), (run.local() / ".locks").string()));
}

Status remove_run(const RunFolder& run) {
  const std::string all = run.keys().run, plan = run.keys().plan();
  MNP_TRY(const auto names, run.store->names(all));
  for (const std::string& name : names) {
    const std::string key = all + "/" + name;
    if (key == plan) continue;
    MNP_CHECK(run.store->remove_below(key));
    MNP_CHECK(run.store->remove(key));
  }
  MNP_CHECK(run.store->remove(plan));
  return remove_tree(run.local());
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace mnp::launcher
