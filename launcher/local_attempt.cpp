#include "launcher/local_attempt.hpp"

#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "launcher/node_environment.hpp"
#include "mnp/core/log.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/model/ownership.hpp"

namespace mnp::launcher {
namespace {

/// Between two starts: long enough that the loop hears signals and ends in between.
constexpr Milliseconds kStartGap{1};

}  // namespace

std::string node_name(uint32_t index) {
  return fmt::format("node-{:04}", index);
}

LocalAttempt::LocalAttempt(Loop& loop, const LocalHost& host, const model::SubmitJob& request,
                           std::string job, uint32_t number, int lifeline, Events events)
    : loop_(loop),
      host_(host),
      request_(request),
      job_(std::move(job)),
      number_(number),
      lifeline_(lifeline),
      events_(std::move(events)),
      nodes_(request.num_nodes) {}

LocalAttempt::~LocalAttempt() {
  for (const auto& timer : {kill_timer_, child_timer_, end_timer_})
    if (timer) loop_.cancel(*timer);
  for (Node& node : nodes_) {
    if (!node.process) continue;
    loop_.forget(node.process->pidfd().get());
    node.process->kill_tree();
    node.process->reap();
  }
}

model::AttemptKeys LocalAttempt::keys() const {
  const auto stage = request_.environment.find(model::kStage);
  MNP_ASSERT(stage != request_.environment.end(), "a local job has a stage");
  const auto keys = model::StageKeys::of(model::RunKeys::of(host_.run), stage->second);
  return model::AttemptKeys::of(keys, job_, number_);
}

fs::path LocalAttempt::scratch_of(uint32_t index) const {
  return scratch_->path() / std::to_string(index);  // short: see local_host.cpp
}

std::vector<std::string> LocalAttempt::environment(uint32_t index) const {
  LocalNode node;
  node.bin = fs::path(host_.node_program).parent_path();
  node.job = job_;
  node.attempt = number_;
  node.index = index;
  node.address = addresses_->of(index);
  node.main_address = addresses_->of(request_.main_node);
  node.scratch = scratch_of(index);
  node.lock = host_.local / model::RunKeys::of(host_.run).run / ".locks" /
              fmt::format("{}-{}-{}", job_, number_, index);
  return node_environment(request_, node);
}

Status LocalAttempt::start() {
  MNP_TRY(addresses_,
          LoopbackAddresses::choose(request_.num_nodes, request_.main_node, host_.port));
  MNP_TRY(auto scratch, TemporaryFolder::create(scratch_prefix(host_.run, job_), host_.temporary));
  scratch_.emplace(std::move(scratch));
  MNP_CHECK(start_node(request_.main_node));
  for (uint32_t index = 0; index < request_.num_nodes; ++index)
    if (index != request_.main_node) waiting_children_.push_back(index);
  std::shuffle(waiting_children_.begin(), waiting_children_.end(),
               std::mt19937(std::random_device()()));
  child_timer_ = loop_.after(kStartGap, [this] {
    child_timer_.reset();
    tell_running();
    start_next_child();
  });
  return {};
}

void LocalAttempt::tell_running() {
  if (!std::exchange(told_running_, true)) events_.running();
}

Status LocalAttempt::start_node(uint32_t index) {
  MNP_CHECK(make_folders(scratch_of(index)));
  NodeStart start;
  start.argv = request_.command;
  start.argv.insert(start.argv.begin(), host_.node_program);
  start.environment = environment(index);
  start.log = host_.local / keys().attempt / "log" / (node_name(index) + ".log");
  start.lifeline = lifeline_;
  MNP_TRY(auto process, NodeProcess::start(start));
  Node& node = nodes_[index];
  node.started = true;
  node.process = std::move(process);
  loop_.watch(node.process->pidfd().get(), EPOLLIN, [this, index](uint32_t) { node_ended(index); });
  return {};
}

void LocalAttempt::start_next_child() {
  if (waiting_children_.empty() || stopping_) return;
  const uint32_t index = waiting_children_.back();
  waiting_children_.pop_back();
  if (auto started = start_node(index); !started)
    log::error("{} of job {} could not be started: {}", node_name(index), job_,
               started.error().text);
  child_timer_ = loop_.after(kStartGap, [this] {
    child_timer_.reset();
    start_next_child();
  });
}

void LocalAttempt::node_ended(uint32_t index) {
  Node& node = nodes_[index];
  loop_.forget(node.process->pidfd().get());
  node.exit_code = node.process->reap();
  node.process.reset();
  if (index == request_.main_node) main_ended();
  finish_if_all_ended();
}

/// A node that main has lost will not answer.
void LocalAttempt::kill_lost() {
  host_.errands->add("lost nodes of " + job_,
                     [this, &loop = loop_, store = host_.store, key = keys().nodes(),
                      alive = std::weak_ptr(alive_)] {
                       loop.post([this, alive, lost = lost_nodes(*store, key)] {
                         if (alive.expired()) return;
                         for (const LostNode& one : lost)
                           if (one.node < nodes_.size() && nodes_[one.node].process)
                             nodes_[one.node].process->kill_tree();
                       });
                     });
}

/// Main's end is the job's: Batch stops the children.
void LocalAttempt::main_ended() {
  tell_running();
  exit_code_ = nodes_[request_.main_node].exit_code;
  end_soon();
  kill_lost();
}

void LocalAttempt::stop() {
  end_soon();
}

void LocalAttempt::tell_to_end(Node& node) {
  if (node.process && !std::exchange(node.told_to_end, true)) node.process->signal(SIGTERM);
}

void LocalAttempt::end_soon() {
  stopping_ = true;
  tell_to_end(nodes_[request_.main_node]);
  for (Node& node : nodes_) tell_to_end(node);
  if (kill_timer_) return;
  kill_timer_ = loop_.after(host_.grace, [this] {
    kill_timer_.reset();
    kill();
  });
}

void LocalAttempt::kill() {
  stopping_ = true;
  for (const Node& node : nodes_)
    if (node.process) node.process->kill_tree();
}

void LocalAttempt::finish_if_all_ended() {
  const bool all_ended = std::none_of(nodes_.begin(), nodes_.end(),
                                      [](const Node& node) { return node.process.has_value(); });
  if (!all_ended || !exit_code_ || end_timer_) return;
  scratch_.reset();
  // From a turn of its own: the listener may destroy this object.
  end_timer_ = loop_.after(Milliseconds(0), [this] {
    const auto ended = std::move(events_.ended);
    ended();
  });
}

std::vector<model::NodeSummary> LocalAttempt::nodes() const {
  std::vector<model::NodeSummary> summaries;
  for (uint32_t index = 0; index < nodes_.size(); ++index) {
    const Node& node = nodes_[index];
    model::JobState state = model::JobState::kSubmitted;
    if (node.process) state = model::JobState::kRunning;
    if (node.exit_code)
      state = *node.exit_code == 0 ? model::JobState::kSucceeded : model::JobState::kFailed;
    summaries.push_back({fmt::format("{}#{}", job_, index), index, index == request_.main_node,
                         state, node.exit_code});
  }
  return summaries;
}

std::vector<pid_t> LocalAttempt::pids() const {
  std::vector<pid_t> pids;
  for (const Node& node : nodes_)
    if (node.process) pids.push_back(node.process->pid());
  return pids;
}

}  // namespace mnp::launcher
