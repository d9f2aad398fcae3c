#include "mnp/node/main_node.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/model/history.hpp"
#include "mnp/node/network.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kJournalPatience{30000};  // a store that cannot commit is tried for so long
constexpr int kFenceLeases = 2;  // until nothing of an earlier owner runs: see is_surely_owner

std::string parent_of(const std::string& key) {
  return key.substr(0, key.rfind('/'));
}

}  // namespace

MainNode::MainNode(Loop& loop, Context& context, Machine machine,
                   std::shared_ptr<cpu::Orphans> orphans, KeeperLink& keeper)
    : loop_(loop),
      context_(context),
      machine_(std::move(machine)),
      orphans_(std::move(orphans)),
      keeper_(keeper) {}

MainNode::~MainNode() {
  for (const Loop::TimerId timer : timers_) loop_.cancel(timer);
  if (worker_) worker_->close();  // their threads call the others
  errands_.reset();
  owner_errands_.reset();
  progress_errands_.reset();
  journal_.reset();
}

// ---- opening

Status MainNode::open() {
  if (context_.me.store.empty())
    log::warning("{} is not set: journal, output and results stay in {} of each node's own disk",
                 model::kStore, context_.store_place);
  MNP_CHECK(load_plan(context_));
  MNP_CHECK(open_work());
  MNP_CHECK(open_journal());
  MNP_CHECK(open_roster());
  return create_worker();
}

Status MainNode::open_work() {
  reduction_ = std::make_unique<Reduction>(
      context_,
      Reduction::Callbacks{
          [this](NodeIndex node, const model::ReduceOrder& share) { bring_share(node, share); },
          [this](const model::ReduceOrder& own) { worker_->order_reduction(own); },
          [this](uint64_t id, const std::string& path) {
            worker_->publish_reduced(path, [this, id](const Result<model::ResultFile>& file) {
              reduction_->published(id, file);
            });
          },
          [this](const model::ResultFile& file) { journal_->append(model::Reduced{file}); },
          [this](const std::string& why) { epochs_->world_failed(why); },
          [this](const Status& done) { end(done); }});
  if (!context_.is_program()) {
    MNP_TRY(commands_, CommandStage::open(loop_, context_));
    context_.set_commands(commands_->list().size());
    return {};
  }
  MNP_TRY(program_list_, model::CommandList::of_program(context_.spec().program));
  program_ = std::make_unique<ProgramStage>(context_, program_list_->identities().front());
  return {};
}

/// After this no earlier owner can commit, and what it has kept is known.
Status MainNode::open_journal() {
  const model::StageKeys keys = context_.keys();
  const std::string own = context_.attempt().journal();
  MNP_TRY(context_.owner,
          model::claim_stage(*context_.store, keys, context_.me.job, context_.me.attempt));
  const TimePoint claimed = Clock::now();
  owner_seen_ = context_.me.lease_clock().now();
  const model::CommandList& list = commands_ ? commands_->list() : *program_list_;
  std::vector<std::tuple<size_t, model::Record, CommandIndex>> kept;  // with partials
  bool fresh = context_.me.fresh_failures;                            // once in a job
  const auto on_event = [&](size_t, const model::Event& event) {
    const auto* begun = std::get_if<model::Begun>(&event);
    if (begun != nullptr && begun->job == context_.me.job) fresh = false;
    if (commands_) commands_->restore(event);
    if (program_) program_->restore(event);
  };
  const auto on_damage = [](size_t, const model::Damage& damage) {
    log::warning("{} line {}: {}; what it may have held is not final", damage.key, damage.line,
                 damage.what);
  };
  const auto on_record = [&](size_t journal, const model::Record& record, CommandIndex now) {
    if (context_.spec().reduce) kept.emplace_back(journal, record, now);
  };
  MNP_TRY(const model::History history,
          model::read_history(*context_.store, keys, list, {on_event, on_damage, on_record}));
  for (const auto& [journal, record, now] : kept)
    reduction_->add(parent_of(history.journals[journal]), record, now);
  careful_ = !history.goodbye;
  starts_lost_ = !history.journals.empty();
  deal_from_ = claimed + history.silent;
  if (!history.goodbye) deal_from_ = claimed + kFenceLeases * context_.spec().lease + kLeaseMargin;
  begun_.run = context_.me.run;
  begun_.stage = context_.stage_name;
  begun_.job = context_.me.job;
  begun_.attempt = context_.me.attempt;
  begun_.owner = context_.owner;
  begun_.commands = list.size();
  begun_.list_digest = list.digest();
  begun_.fresh_failures = fresh || history.failures_unsure;
  errands_ = std::make_unique<Errands>();
  owner_errands_ = std::make_unique<Errands>();
  progress_errands_ = std::make_unique<Errands>();
  progress_file_ = std::make_unique<ProgressFile>(*progress_errands_, context_.store,
                                                  context_.keys().progress());
  JournalThread::Callbacks callbacks;
  callbacks.committed = [this](uint64_t through) {
    loop_.post([this, through] {
      if (commands_) commands_->committed(through);
      if (program_) program_->committed(through);
      drained_if_all();
    });
  };
  callbacks.failed = [this](Error error) {
    loop_.post([this, error = std::move(error)] { journal_failed(error); });
  };
  journal_ = std::make_unique<JournalThread>(model::JournalWriter(*context_.store, own),
                                             context_.commit_interval(), kJournalPatience,
                                             std::move(callbacks));
  journal_->append(begun_);
  return {};
}

/// With a store, main draws the key and its nodes read it there; else it comes from the secret.
Status MainNode::make_key(std::optional<JoinKey>& key) {
  if (context_.me.store.empty()) {
    if (const auto kept = keeper_.kept_key()) {
      MNP_TRY(key, JoinKey::parse(*kept));
      return {};
    }
  }
  MNP_TRY(key, JoinKey::make());
  if (context_.me.nodes == 1) return {};
  auto written = context_.store->put_secret(context_.attempt().join_key(), key->text() + "\n");
  if (!written) return fail(Code::kStore, "write the join key: " + written.error().text);
  key_lies_ = true;
  return {};
}

Status MainNode::open_roster() {
  std::optional<JoinKey> key;
  MNP_CHECK(make_key(key));
  Roster::Callbacks callbacks;
  callbacks.changed = [this](NodeIndex node) { node_changed(node); };
  callbacks.lost = [this](NodeIndex node, TimePoint again, bool orderly) {
    node_lost(node, again, orderly);
  };
  callbacks.may_acknowledge = [this] { return !store_lost_ && is_surely_owner(); };
  callbacks.said = [this](NodeIndex node, Control what, const std::string& payload) {
    node_said(node, what, payload);
  };
  roster_ = std::make_unique<Roster>(loop_, context_, *key, model::plan_to_json(context_.plan),
                                     std::move(callbacks));
  roll_call_ = std::make_unique<RollCall>(*roster_);
  if (context_.me.nodes == 1) return {};
  return roster_->listen();
}

Status MainNode::create_worker() {
  Worker::Callbacks callbacks;
  callbacks.ran = [this](const model::Ran& ran) { take_message(context_.me.index, ran); };
  callbacks.stored = [this](std::vector<model::Record> records) {
    take_message(context_.me.index, model::Stored{std::move(records)});
  };
  callbacks.failed = [this](const Error& error) { journal_failed(error); };
  callbacks.rank_up = [this](const model::RankHello& hello) { epochs_->rank_up(hello); };
  callbacks.rank_down = [this] { epochs_->rank_down(); };
  callbacks.rank_message = [this](NodeIndex from, model::Message message) {
    take_message(from, std::move(message));
  };
  callbacks.ring = [this](NodeIndex node) { ring(node); };
  callbacks.broadcast_done = [this](const model::CollectiveDone& done) { broadcast_->done(done); };
  callbacks.reduce_done = [this](const model::CollectiveDone& done) {
    epochs_->note_progress();
    reduction_->done(done);
  };
  callbacks.spawn = [this](std::shared_ptr<LocalPeer> peer, const SpawnRequest& request) {
    desk_->ask(std::move(peer), request, worker_->epoch().epoch);
  };
  MNP_TRY(worker_, Worker::create(loop_, context_, machine_, orphans_, std::move(callbacks)));
  daemons_ = std::make_unique<DaemonHost>(loop_, *worker_);
  desk_ = std::make_unique<SpawnDesk>(*roster_, *daemons_, context_.me.index);
  Epochs::Callbacks on_epoch;
  on_epoch.begun = [this](EpochNumber epoch, const std::vector<NodeIndex>& nodes) {
    journal_->append(model::EpochBegun{epoch, nodes});
    write_nodes();
    desk_->begin_epoch();
    if (program_) choose_launch();
  };
  on_epoch.up = [this] { world_up(); };
  on_epoch.down = [this] { world_down(); };
  on_epoch.gave_up = [this](const Error& error) { end(fail(error)); };
  epochs_ = std::make_unique<Epochs>(loop_, context_, *roster_, *worker_, std::move(on_epoch));
  broadcast_ = std::make_unique<InputBroadcast>(
      context_, InputBroadcast::Callbacks{[this](const model::BroadcastOrder& order) {
                                            worker_->rank_frame(model::RankFrame::kBroadcast,
                                                                encode(order));
                                          },
                                          [this] {
                                            if (phase_ != Phase::kEnding) inputs_ready();
                                          },
                                          [this](const Error& error) { end(fail(error)); }});
  return {};
}

// ---- joining

void MainNode::start() {
  set_timers();
  if (commands_)
    commands_->begin(
        *journal_, begun_, careful_,
        CommandStage::Callbacks{
            [this](NodeIndex node, const model::Message& message) { send(node, message); },
            [this](const model::Record& record) {
              reduction_->add(context_.attempt().attempt, record, record.command);
            },
            [this] { commands_finished(); },
            [this](NodeIndex node, const std::string& reason) { node_bad(node, reason); }});
  if (program_)
    program_->begin(*journal_, *roster_, *worker_,
                    ProgramStage::Callbacks{[this](const Status& done) { end(done); },
                                            [this] { program_ended(); }});
  roster_->set_main(describe_machine(machine_, context_.me.own_address), 0, false);
  if (auto prepares = worker_->prepare([this](const Result<uint32_t>& slots) { prepared(slots); });
      !prepares)
    return end(prepares);
  write_progress();
}

void MainNode::prepared(const Result<uint32_t>& slots) {
  if (phase_ == Phase::kEnding) {
    if (!slots) log::info("{}", slots.error().text);
    return;
  }
  if (!slots) return end(fail(slots.error()));
  roster_->set_main(describe_machine(machine_, context_.me.own_address), *slots, true);
}

/// Batch tells main's address to the children alone: main learns it from the route to the first.
void MainNode::learn_own_address(const std::string& child) {
  auto address = address_towards(child);
  if (!address) return log::error("{}", address.error().text);
  context_.me.own_address = *address;
  roster_->set_main_address(*address);
}

void MainNode::node_changed(NodeIndex index) {
  const RosterNode& node = roster_->at(index);
  if (context_.me.own_address.empty() && index != context_.me.index)
    learn_own_address(node.machine.address);
  write_nodes();
  if (phase_ == Phase::kEnding) return;
  if (node.state == NodeState::kUnfit) return unfit(index);
  if (node.state != NodeState::kReady) return;
  journal_joined(index);
  if (phase_ == Phase::kJoining) return begin_if_complete();
  remove_key_if(roster_->count(NodeState::kMissing) == 0);
  if (!program_) epochs_->admit();
}

/// Main comes first in its journal, also when a child was ready before it.
void MainNode::journal_joined(NodeIndex index) {
  if (roster_->at(context_.me.index).state != NodeState::kReady) return;
  const bool is_main = index == context_.me.index;
  for (const NodeIndex joined : is_main ? roster_->ready() : std::vector<NodeIndex>{index}) {
    const RosterNode& node = roster_->at(joined);
    journal_->append(model::NodeJoined{joined, node.incarnation, node.machine.host, node.slots});
  }
}

/// Who has joined has it; keepers hand it on to later agents.
void MainNode::remove_key_if(bool needless) {
  if (!needless || !std::exchange(key_lies_, false)) return;
  errands_->add("key", [store = context_.store, key = context_.attempt().join_key()] {
    if (auto removed = store->remove(key); !removed) log::warning("{}", removed.error().text);
  });
}

/// A node that cannot take part is left out, as long as enough others can.
void MainNode::unfit(NodeIndex index) {
  const RosterNode& node = roster_->at(index);
  log::warning("node {} cannot take part: {}", index.value(), node.reason);
  if (phase_ != Phase::kJoining) return;
  const uint32_t least = context_.spec().min_nodes.value_or(context_.me.nodes);
  if (context_.me.nodes - roster_->count(NodeState::kUnfit) >= least) return begin_if_complete();
  end(fail(node.code, fmt::format("node {}: {}", index.value(), node.reason)));
}

void MainNode::begin_if_complete() {
  const size_t able = context_.me.nodes - roster_->count(NodeState::kUnfit);
  if (roster_->count(NodeState::kReady) == able) begin();
}

void MainNode::join_deadline() {
  if (phase_ != Phase::kJoining) return;
  const size_t ready = roster_->count(NodeState::kReady);
  const uint32_t least = context_.spec().min_nodes.value_or(context_.me.nodes);
  const bool main_ready = roster_->at(context_.me.index).state == NodeState::kReady;
  const std::string missing = roster_->missing_text();
  if (ready < least || !main_ready)
    return end(fail(Code::kJoinTimeout,
                    fmt::format("{} of {} nodes are ready after join_timeout, {} are needed; "
                                "missing: {}",
                                ready, context_.me.nodes, least, missing)));
  log::warning("begins with {} of {} nodes; missing: {}", ready, context_.me.nodes, missing);
  begin();
}

void MainNode::begin() {
  phase_ = Phase::kRunning;
  begun_at_ = Clock::now();
  remove_key_if(roster_->count(NodeState::kMissing) == 0);
  for (uint32_t i = 0; i < context_.me.nodes && commands_; ++i)
    if (roster_->at(NodeIndex(i)).state != NodeState::kReady)
      commands_->lose_node(NodeIndex(i), Clock::now(), true);  // its slice is for everybody
  write_progress();
  if (program_ && program_->succeeded_before()) return end({});
  if (roster_->ready().size() > 1 || context_.spec().reduce || program_) {
    const bool starts_program = program_ && !broadcast_->any();
    return epochs_->renew("the stage begins", starts_program ? deal_from_ : TimePoint{});
  }
  worker_->set_epoch(BeginEpoch{});
  world_up();
}

}  // namespace mnp::node
