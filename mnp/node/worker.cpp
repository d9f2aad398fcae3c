#include "mnp/node/worker.hpp"

#include <unistd.h>

#include <vector>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/node/inputs.hpp"
#include "mnp/node/publish.hpp"
#include "mnp/node/s3_publisher.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kStorePatience{30000};  // a store that cannot commit is tried for so long
constexpr auto kSetupSlack = std::chrono::seconds(1);

/// `setup`'s words go to the node's log.
class LogSink : public cpu::OutputSink {
 public:
  bool write(std::string_view bytes) override {
    (void)write_all(STDERR_FILENO, bytes, Clock::now() + kSetupSlack);
    return true;
  }
};

}  // namespace

Worker::Worker(Loop& loop, Context& context, Machine machine, std::shared_ptr<cpu::Orphans> orphans,
               Callbacks callbacks)
    : loop_(loop),
      context_(context),
      machine_(std::move(machine)),
      orphans_(std::move(orphans)),
      callbacks_(std::move(callbacks)),
      daemons_(std::make_unique<Daemons>(orphans_)),
      reduce_files_(context) {}

Result<std::unique_ptr<Worker>> Worker::create(Loop& loop, Context& context, Machine machine,
                                               std::shared_ptr<cpu::Orphans> orphans,
                                               Callbacks callbacks) {
  std::unique_ptr<Worker> worker(
      new Worker(loop, context, std::move(machine), std::move(orphans), std::move(callbacks)));
  MNP_TRY(worker->socket_,
          AgentSocket::listen(loop, context.scratch.socket(),
                              [self = worker.get()](std::shared_ptr<LocalPeer> peer) {
                                self->take_peer(std::move(peer));
                              }));
  return worker;
}

Worker::~Worker() {
  close();
}

void Worker::close() {
  no_more_inputs_ = true;
  if (setup_) setup_->kill();
  if (draining_.joinable()) draining_.join();
  if (preparing_.joinable()) preparing_.join();
  reduce_errands_.reset();
  daemons_.reset();   // a program hands over to the committer,
  executor_.reset();  // and so do the slots
  committer_.reset();
}

// ---- before the first command

Status Worker::prepare(std::function<void(Result<uint32_t>)> ready) {
  create_committer();
  MNP_TRY(setup_, cpu::CommandRunner::create(orphans_, cpu::expendable()));
  // Not on the thread: the loop may learn this node's address meanwhile.
  const auto environment = std::make_shared<const std::vector<std::string>>(
      stage_environment(context_, context_.me.nodes, 0));
  preparing_ = std::thread([this, environment, ready = std::move(ready)] {
    auto slots = prepare_here(environment);
    loop_.post([ready, slots = std::move(slots)] { ready(slots); });
  });
  return {};
}

Result<uint32_t> Worker::prepare_here(const cpu::Environment& environment) {
  const model::StageSpec& spec = context_.spec();
  std::error_code error;
  if (!spec.cwd.empty() && !fs::is_directory(spec.cwd, error))
    return fail(Code::kConfig, fmt::format("cwd: there is no folder {} on this node", spec.cwd));
  if (context_.me.is_main())  // here, off the loop: nodes join meanwhile
    MNP_CHECK(check_inputs(context_));
  const bool reads_broadcasts = context_.me.is_main() || context_.me.nodes == 1;
  MNP_CHECK(bring_inputs(context_, reads_broadcasts, no_more_inputs_));
  if (!context_.is_program()) {
    cpu::SlotRequest request;
    request.cpus = spec.cpus.value_or(1);
    request.memory = spec.memory.value_or(0);
    request.gpus = spec.gpus.value_or(0);
    request.slots = spec.slots;
    request.gpus_available = static_cast<uint32_t>(machine_.gpus.list.size());
    MNP_TRY(slots_, cpu::lay_out_slots(machine_.topology, request));
  }
  MNP_CHECK(run_setup(*setup_, environment));
  return static_cast<uint32_t>(context_.is_program() ? 1 : slots_.size());
}

Status Worker::run_setup(cpu::CommandRunner& runner, const cpu::Environment& environment) {
  const model::StageSpec& spec = context_.spec();
  if (spec.setup.empty()) return {};
  cpu::Start start;
  start.line = spec.setup;
  start.base = environment;
  start.marks = {fmt::format("MNP_SETUP={}", context_.incarnation.value())};
  start.extra = start.marks;
  start.cwd = spec.cwd;
  LogSink sink;
  const cpu::Finished finished = runner.run(start, sink);
  if (finished.ending.success()) return {};
  return fail(Code::kConfig,
              fmt::format("setup: {}: {}", model::to_text(finished.ending), spec.setup));
}

std::unique_ptr<ResultsPublisher> Worker::make_publisher() const {
  const std::string results = context_.keys().results();
  const std::string partials = fmt::format("{}/node-{:04}.{}", context_.attempt().partials(),
                                           context_.me.index.value(), context_.incarnation.value());
  if (context_.in_s3())
    return std::make_unique<S3Publisher>(
        context_.bucket,
        S3PublishTarget{results, partials, context_.spec().reduce, context_.owner});
  PublishTarget target;
  target.results = context_.path(results);
  target.partials = context_.path(partials);
  target.reduce = context_.spec().reduce;
  target.owner = context_.owner;
  return std::make_unique<FolderPublisher>(std::move(target));
}

void Worker::create_committer() {
  Committer::Callbacks callbacks;
  callbacks.stored = [this](std::vector<model::Record> records) {
    loop_.post([this, records = std::move(records)]() mutable { take_stored(std::move(records)); });
  };
  callbacks.failed = [this](Error error) {
    loop_.post([this, error = std::move(error)] { callbacks_.failed(error); });
  };
  committer_ = std::make_unique<Committer>(
      context_.store, context_.attempt().output(context_.me.index, context_.incarnation),
      make_publisher(), context_.commit_interval(), kStorePatience, std::move(callbacks));
}

cpu::Environment Worker::command_environment() const {
  return std::make_shared<const std::vector<std::string>>(
      stage_environment(context_, epoch_.nodes, epoch_.node_rank));
}

/// Commands that start from now on see its nodes.
void Worker::set_epoch(const BeginEpoch& epoch) {
  epoch_ = epoch;
  if (executor_) executor_->set_environment(command_environment());
}

Status Worker::start_slots() {
  if (executor_) return {};
  ExecutorOptions options;
  options.slots = slots_;
  options.environment = command_environment();
  options.spec = context_.spec();
  options.node = context_.me.index;
  options.incarnation = context_.incarnation;
  options.folder = context_.scratch.slots();
  options.gpus = machine_.gpus.list;
  MNP_TRY(executor_, Executor::create(std::move(options), orphans_, *committer_, [this] {
            loop_.post([this] {
              model::Ran ran = executor_->take_ran();
              if (!ran.items.empty()) callbacks_.ran(std::move(ran));
            });
          }));
  return {};
}

// ---- commands

void Worker::deal(model::Deal deal) {
  std::erase_if(deal.items, [this](const model::Deal::Item& item) {
    const StartId start{item.command, item.start};
    return unkept_.count(start) > 0 || !held_.insert(start).second;  // is here already
  });
  executor_->deal(std::move(deal.items));
}

void Worker::take_stored(std::vector<model::Record> records) {
  for (const model::Record& record : records) {
    held_.erase(record.id());
    unkept_[record.id()] = record;
  }
  if (executor_)  // what has ended is said before what is stored
    if (model::Ran ran = executor_->take_ran(); !ran.items.empty()) callbacks_.ran(std::move(ran));
  callbacks_.stored(std::move(records));
}

void Worker::kept(const model::Kept& kept) {
  size_t count = 0;
  for (const StartId& start : kept.items) count += unkept_.erase(start);
  if (executor_) executor_->kept(count);
}

std::vector<model::Record> Worker::unkept() const {
  std::vector<model::Record> records;
  for (const auto& [start, record] : unkept_) records.push_back(record);
  return records;
}

model::Held Worker::held() const {
  model::Held held;
  held.items.assign(held_.begin(), held_.end());
  return held;
}

void Worker::drain(Milliseconds grace, Milliseconds flush, std::function<void(Drained)> done) {
  if (draining_.joinable()) return;  // once
  no_more_inputs_ = true;
  if (setup_) setup_->stop(grace);
  draining_ = std::thread([this, grace, flush, done = std::move(done)] {
    if (preparing_.joinable()) preparing_.join();
    Drained drained;
    if (executor_) {
      executor_->drain(grace);
      drained.idle = executor_->wait_idle(Clock::now() + grace + cpu::kKillDeadline);
      if (!drained.idle) log::error("commands could not be ended");
    }
    if (committer_) drained.stored = committer_->flush(Clock::now() + flush);
    loop_.post([done, drained] { done(drained); });
  });
}

void Worker::kill_commands() {
  if (executor_) executor_->drain(Milliseconds(0));
  if (context_.is_program()) stop_program(Milliseconds(0));
}

// ---- a program

Status Worker::start_program(EpochNumber epoch, uint32_t start, cpu::Start how,
                             std::function<void(const cpu::Finished&)> ended) {
  MNP_TRY(const auto list, model::CommandList::of_program(context_.spec().program));
  const uint64_t identity = list.identities().front();
  auto output = std::make_shared<cpu::CommandOutput>(committer_->output(), CommandIndex(0), start);
  const fs::path results = context_.scratch.slots() / fmt::format("program-{}", start);
  MNP_CHECK(make_folders(results));
  how.extra.push_back("MNP_RESULTS=" + results.string());
  how.max_output = context_.spec().max_output;
  how.cwd = context_.spec().cwd;
  Daemons::Callbacks callbacks;
  callbacks.output = [output](std::string_view bytes) { return output->write(bytes); };
  callbacks.cut = [output] { output->cut(); };
  callbacks.ended = [this, start, identity, output, results,
                     ended = std::move(ended)](const cpu::Finished& finished) {
    RanCommand ran;
    ran.identity = identity;
    ran.record.start = start;
    ran.record.node = context_.me.index;
    ran.record.incarnation = context_.incarnation;
    fill_record(ran.record, finished, output->range());
    ran.results = results;
    loop_.post([ended, finished] { ended(finished); });
    if (!finished.stopped) committer_->add(std::move(ran));
  };
  held_.insert({CommandIndex(0), start});
  return daemons_->start(kProgram, epoch, std::move(how), std::move(callbacks));
}

}  // namespace mnp::node
