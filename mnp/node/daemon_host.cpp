#include "mnp/node/daemon_host.hpp"

#include <atomic>

#include "mnp/node/plan_daemon.hpp"

namespace mnp::node {
namespace {

cpu::Start start_of(DaemonPlan plan) {
  cpu::Start start;
  start.argv = std::move(plan.argv);
  start.argv.front() = plan.path;
  start.base = std::make_shared<const std::vector<std::string>>(std::move(plan.environment));
  return start;
}

constexpr Milliseconds kEndsByItself{500};

std::string exit_of(const cpu::Finished& finished) {
  SpawnExit exit;
  exit.stopped = finished.stopped;
  const auto value = static_cast<uint32_t>(finished.ending.value);
  switch (finished.ending.kind) {
    case model::Ending::Kind::kExited:
      exit.code = value;
      break;
    case model::Ending::Kind::kSignalled:
      exit.signal = value;
      break;
    default:
      exit.code = 127;  // as a shell says "could not be started"
  }
  return encode(exit);
}

}  // namespace

DaemonHost::~DaemonHost() {
  for (const Loop::TimerId timer : timers_) loop_.cancel(timer);
}

void DaemonHost::stop(uint64_t id) {
  auto timer = std::make_shared<Loop::TimerId>();
  *timer = loop_.after(kEndsByItself, [this, id, timer] {
    timers_.erase(*timer);
    worker_.stop_daemon(id);
  });
  timers_.insert(*timer);
}

void DaemonHost::start(uint64_t id, EpochNumber epoch, const SpawnRequest& request,
                       const Say& say) {
  std::vector<std::string> own = worker_.daemon_environment(epoch);
  for (std::string& entry : worker_.daemon_folders()) own.push_back(std::move(entry));
  auto plan = plan_daemon(request, worker_.daemon_base(), own);
  if (!plan) return say(SpawnFrame::kRefused, plan.error().text);
  Daemons::Callbacks callbacks;
  auto unread = std::make_shared<std::atomic<size_t>>(0);
  callbacks.output = [this, say, unread](std::string_view bytes) {
    if (*unread > kMaxUnread) return false;
    *unread += bytes.size();
    loop_.post([say, unread, text = std::string(bytes)] {
      *unread -= text.size();
      say(SpawnFrame::kStderr, text);
    });
    return true;
  };
  callbacks.ended = [this, say](const cpu::Finished& finished) {
    loop_.post([say, exit = exit_of(finished)] { say(SpawnFrame::kExited, exit); });
  };
  if (auto started = worker_.start_daemon(id, epoch, start_of(std::move(*plan)), callbacks);
      !started)
    say(SpawnFrame::kRefused, started.error().text);
}

}  // namespace mnp::node
