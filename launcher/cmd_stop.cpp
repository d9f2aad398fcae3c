// `mnp stop [RUN]`: asks the `mnp run` of a run to end it in order, and waits for that.
#include <signal.h>

#include <cerrno>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launcher/cli.hpp"
#include "launcher/commands.hpp"
#include "launcher/run_state.hpp"

namespace mnp::launcher {
namespace {

// Nodes have 30 s after SIGTERM, then they are killed.
constexpr std::chrono::seconds kStopLimit{90};
constexpr Milliseconds kPoll{100};

Status ask_to_stop(const RunFolder& run, const RunHolder& holder) {
  if (holder.pid <= 1)
    return fail(Code::kConfig, run.id +
                                   ": its .lock does not say which process holds it, as when "
                                   "`mnp rm` removes it");
  if (holder.host != host_name())
    return fail(Code::kConfig, fmt::format("{} is run by process {} on {}; type `mnp stop` there",
                                           run.id, holder.pid, holder.host));
  if (::kill(static_cast<pid_t>(holder.pid), SIGTERM) != 0 && errno != ESRCH)
    return fail_errno(fmt::format("signal process {}", holder.pid));
  return {};
}

Status wait_until_gone(const RunFolder& run) {
  const TimePoint deadline = Clock::now() + kStopLimit;
  for (;;) {
    MNP_TRY(const auto holder, holder_of(run));
    if (!holder) return {};
    if (Clock::now() >= deadline)
      return fail(Code::kExists,
                  fmt::format("{} still runs {} s after SIGTERM to process {}; look at its log",
                              run.id, kStopLimit.count(), holder->pid));
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

Result<int> run(const StopOptions& options) {
  MNP_TRY(const auto store, open_store(options.store));
  MNP_TRY(const auto found, find_run(store, options.run));
  MNP_TRY(const auto holder, holder_of(found));
  if (!holder) MNP_CHECK(refuse_foreign(found));
  if (holder) {
    MNP_CHECK(ask_to_stop(found, *holder));
    if (!options.json) tell(fmt::format("stopping {} ...", found.id));
    MNP_CHECK(wait_until_gone(found));
  }
  MNP_TRY(const auto state, read_run_state(found));
  if (options.json) {
    nlohmann::ordered_json json;
    json["run"] = found.id;
    json["state"] = state.state;
    json["was_running"] = holder.has_value();
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (holder) {
    fmt::print("{} {}; `mnp resume {}{}` goes on\n", found.id, state.state, found.id,
               found.store_words());
  } else {
    fmt::print("{} has ended already: {}\n", found.id, state.state);
  }
  return 0;
}

}  // namespace mnp::launcher
