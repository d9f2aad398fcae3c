// Random runs of a stage with everything that may go wrong, against a model that knows only what
// nodes hold: seeded, so that a failure can be run again. What readers of the journal make of it
// must be what the scheduler knows.
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>

#include "mnp/model/report.hpp"
#include "tests/model/journal_fixture.hpp"
#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

constexpr uint32_t kNodes = 5;
constexpr Milliseconds kLease{6000};

class RandomStage {
 public:
  explicit RandomStage(uint32_t seed) : random_(seed) {
    options_.commands = below(60);
    options_.tries = 1 + below(4);
    bad_seldom_ = below(3) == 0 ? 2 : 20;
    if (below(3) == 0) options_.distribution = Distribution::kBlock;
    options_.block_nodes = kNodes;
    if (below(2) == 0)
      for (uint32_t i = 0; i < options_.commands; ++i) options_.costs.push_back(below(5));
    starts_.resize(options_.commands, 0);
    not_before_.resize(options_.commands);
    begin_attempt();
  }

  void run() {
    const uint32_t steps = 50 + below(300);
    for (uint32_t step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      act();
      if (::testing::Test::HasFatalFailure()) return;
      check_counts();
    }
    finish();
  }

 private:
  struct Node {
    uint32_t incarnation = 0;
    bool alive = false, bad = false, suspect = false, main = false;
    uint32_t slots = 1;
    std::set<uint32_t> running, ran;  // commands
  };

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  void begin_attempt() {
    scheduler_ = std::make_unique<Scheduler>(options_);
    Begun begun;
    begun.fresh_failures = !log_.empty() && below(6) == 0;
    begun.owner = OwnerNumber(++attempts_);
    log_.emplace_back(begun);
    for (const Event& event : log_) scheduler_->restore(event);
    for (const CommandIndex command : scheduler_->restored())
      log_.emplace_back(Poisoned{command, 0});
    fresh_ = begun.fresh_failures;
    nodes_.assign(kNodes, {});
    nodes_[0].main = true;
    for (auto& time : not_before_) time = now_;
  }

  void act() {
    switch (below(14)) {
      case 0:
        return join(below(kNodes));
      case 1:
        return below(3) == 0 ? lose(below(kNodes)) : deal();
      case 2:
        return below(6) == 0 ? leave(below(kNodes)) : deal();
      case 3:
        return below(bad_seldom_) == 0 ? turn_bad(below(kNodes)) : deal();
      case 4:
        return below(12) == 0 ? crash() : deal();
      case 5:
      case 6:
        return pass(below(3000));
      case 7:
      case 8:
        return deal();
      case 9:
      case 10:
      case 11:
        return run_one(below(kNodes));
      default:
        return store_one(below(kNodes));
    }
  }

  void join(uint32_t index) {
    Node& node = nodes_[index];
    if (node.alive) return;
    node = {node.incarnation + 1, true, node.bad, false, node.main, 1 + below(4), {}, {}};
    scheduler_->add_node(NodeIndex(index), Incarnation(node.incarnation), node.slots, node.main);
    log_.emplace_back(NodeJoined{NodeIndex(index), Incarnation(node.incarnation), "h", node.slots});
  }

  void deal() {
    for (const auto& given : scheduler_->deal(now_)) {
      Node& node = nodes_[given.node.value()];
      ASSERT_TRUE(node.alive && !node.bad);
      ASSERT_EQ(given.incarnation.value(), node.incarnation);
      ASSERT_FALSE(node.suspect) << "something was dealt beside a suspect";
      ASSERT_FALSE(given.items.empty());
      if (given.suspect) {
        ASSERT_EQ(given.items.size(), 1u);
        ASSERT_TRUE(node.running.empty()) << "a suspect was not alone";
        ASSERT_FALSE(node.main && has_good_child()) << "a suspect on main";
        node.suspect = true;
      }
      Dealt dealt{given.node, given.incarnation, {}, given.suspect};
      for (const auto& item : given.items) {
        check_dealt(item);
        node.running.insert(item.command.value());
        dealt.items.push_back({item.command, item.start, 0});
      }
      log_.emplace_back(dealt);
    }
  }

  void check_dealt(const StartId& item) {
    const uint32_t command = item.command.value();
    for (const Node& node : nodes_) {
      ASSERT_EQ(node.running.count(command), 0u) << "in flight twice";
      ASSERT_EQ(node.ran.count(command), 0u);
    }
    ASSERT_EQ(item.start, starts_[command] + 1);
    ASSERT_LE(not_before_[command], now_) << "the lost node may still run it";
    ASSERT_EQ(succeeded_.count(command), 0u);
    starts_[command] = item.start;
  }

  bool has_good_child() const {
    for (const Node& node : nodes_)
      if (node.alive && !node.bad && !node.main) return true;
    return false;
  }

  void run_one(uint32_t index) {
    Node& node = nodes_[index];
    if (node.running.empty()) return;
    const uint32_t command = *std::next(node.running.begin(), below(node.running.size()));
    ASSERT_TRUE(scheduler_->ran(NodeIndex(index), Incarnation(node.incarnation),
                                CommandIndex(command), starts_[command]));
    node.running.erase(command);
    node.ran.insert(command);
    node.suspect = false;
  }

  Record record(uint32_t index, uint32_t command, bool success) {
    Record made;
    made.command = CommandIndex(command);
    made.start = starts_[command];
    made.node = NodeIndex(index);
    made.incarnation = Incarnation(nodes_[index].incarnation);
    if (!success) made.ending.value = 1;
    if (!success && below(4) == 0) made.ending = {Ending::Kind::kTimedOut, 0};
    return made;
  }

  void keep(const Record& made) {
    scheduler_->kept(made, now_);
    if (made.success()) succeeded_.insert(made.command.value());
    ASSERT_NE(scheduler_->judge(made), Scheduler::Verdict::kAccept);
    if (below(8) == 0) scheduler_->kept(made, now_);  // said again: counts once
  }

  /// One record on its way into the journal; its node may be lost before it is kept.
  void store_one(uint32_t index) {
    Node& node = nodes_[index];
    if (node.ran.empty()) return;
    const uint32_t command = *node.ran.begin();
    const Record made = record(index, command, below(3) != 0);
    ASSERT_EQ(scheduler_->judge(made), Scheduler::Verdict::kAccept);
    node.ran.erase(command);
    log_.emplace_back(RecordKept{made, 0});
    if (below(10) == 0) lose(index);
    keep(made);
  }

  void lose(uint32_t index) {
    Node& node = nodes_[index];
    if (!node.alive) return;
    for (const auto* held : {&node.running, &node.ran})
      for (const uint32_t command : *held) not_before_[command] = now_ + kLease;
    log_.emplace_back(NodeLost{NodeIndex(index), Incarnation(node.incarnation), "silent"});
    for (const CommandIndex command : scheduler_->lose_node(NodeIndex(index), now_ + kLease)) {
      ASSERT_EQ(node.running.count(command.value()), 1u) << "poisoned without a loss";
      ASSERT_TRUE(node.suspect);
      log_.emplace_back(Poisoned{command, 0});
    }
    node.running.clear();
    node.ran.clear();
    node.alive = node.suspect = false;
  }

  void leave(uint32_t index) {
    Node& node = nodes_[index];
    if (!node.alive) return;
    scheduler_->remove_node(NodeIndex(index));
    log_.emplace_back(
        NodeLost{NodeIndex(index), Incarnation(node.incarnation), std::string(kGoodbye)});
    node.running.clear();
    node.ran.clear();
    node.alive = node.suspect = false;
  }

  void turn_bad(uint32_t index) {
    if (nodes_[index].incarnation == 0) return;
    nodes_[index].bad = true;
    scheduler_->declare_bad(NodeIndex(index));
    log_.emplace_back(NodeBad{NodeIndex(index), "preflight"});
  }

  void pass(uint32_t milliseconds) { now_ += Milliseconds(milliseconds); }

  /// Main dies: a new one knows only the journal. What was final is final.
  void crash() {
    std::vector<CommandState> before;
    for (uint32_t i = 0; i < options_.commands; ++i)
      before.push_back(scheduler_->state(CommandIndex(i)));
    begin_attempt();
    for (uint32_t i = 0; i < options_.commands; ++i) {
      const CommandState after = scheduler_->state(CommandIndex(i));
      ASSERT_EQ(scheduler_->starts(CommandIndex(i)), starts_[i]);
      if (before[i] == CommandState::kSucceeded) {
        ASSERT_EQ(after, before[i]);
      } else if (before[i] >= CommandState::kSucceeded) {
        ASSERT_EQ(after, fresh_ ? CommandState::kWaiting : before[i]) << i;
      } else if (after != CommandState::kWaiting) {  // the third loss, with its main
        ASSERT_EQ(after, CommandState::kPoisoned) << i;
        ASSERT_TRUE(before[i] == CommandState::kInFlight || before[i] == CommandState::kRan);
      }
    }
  }

  void check_counts() {
    const Counts counts = scheduler_->counts();
    size_t running = 0, ran = 0;
    for (uint32_t i = 0; i < kNodes; ++i) {
      running += nodes_[i].running.size();
      ran += nodes_[i].ran.size();
      ASSERT_EQ(scheduler_->in_flight(NodeIndex(i)), nodes_[i].running.size());
      ASSERT_EQ(scheduler_->unkept(NodeIndex(i)), nodes_[i].ran.size());
    }
    ASSERT_EQ(counts.running, running);
    ASSERT_EQ(counts.ran, ran);
    ASSERT_EQ(counts.succeeded, succeeded_.size());
    ASSERT_EQ(counts.waiting + running + ran + counts.done(), options_.commands);
  }

  void work_off(int rounds, bool all_succeed) {
    for (int round = 0; round < rounds && !scheduler_->finished(); ++round) {
      deal();
      for (uint32_t i = 0; i < nodes_.size(); ++i) {
        run_one(i);
        if (!nodes_[i].ran.empty()) {
          const uint32_t command = *nodes_[i].ran.begin();
          nodes_[i].ran.erase(command);
          const Record made = record(i, command, all_succeed || below(3) == 0);
          log_.emplace_back(RecordKept{made, 0});
          keep(made);
        }
      }
      pass(1000);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

  /// One good child more, and time: everything ends. All others may turn out bad.
  void finish() {
    for (uint32_t i = 0; i < kNodes; ++i) scheduler_->release_slice(NodeIndex(i));
    if (below(2) == 0) {
      for (uint32_t i = 0; i < kNodes; ++i) join(i);
      work_off(100, false);
      for (uint32_t i = 0; i < kNodes; ++i) turn_bad(i);
    }
    nodes_.emplace_back();
    join(kNodes);
    work_off(2000, true);
    if (::testing::Test::HasFatalFailure()) return;
    ASSERT_TRUE(scheduler_->finished());
    const Counts counts = scheduler_->counts();
    ASSERT_EQ(counts.done(), options_.commands) << "every command has exactly one outcome";
    Scheduler again(options_);
    for (const Event& event : log_) again.restore(event);
    ASSERT_TRUE(again.restored().empty());
    for (uint32_t i = 0; i < options_.commands; ++i)
      ASSERT_EQ(again.state(CommandIndex(i)), scheduler_->state(CommandIndex(i))) << i;
    if (below(5) == 0) compare_with_readers();  // which takes longer than all the rest
  }

  void compare_with_readers() {
    std::string lines;
    for (uint32_t i = 0; i < options_.commands; ++i) lines += fmt::format("command {}\n", i);
    const auto list = CommandList::parse(lines, "list");
    ASSERT_TRUE(list);
    const auto identities = list->identities();
    const StageKeys stage = StageKeys::of(RunKeys::of("r"), "s");
    std::vector<std::vector<Event>> journals;
    for (Event event : log_) {
      if (std::holds_alternative<Begun>(event)) journals.emplace_back();
      if (auto* const record = std::get_if<RecordKept>(&event))
        record->identity = identities[record->record.command.value()];
      if (auto* const poisoned = std::get_if<Poisoned>(&event))
        poisoned->identity = identities[poisoned->command.value()];
      if (auto* const dealt = std::get_if<Dealt>(&event))
        for (Dealt::Item& item : dealt->items) item.identity = identities[item.command.value()];
      journals.back().push_back(std::move(event));
    }
    MemoryStore store;
    for (uint32_t i = 0; i < journals.size(); ++i)
      ASSERT_TRUE(
          write_journal(store, AttemptKeys::of(stage, "job", i + 1).journal(), {journals[i]}));
    const auto read = read_outcomes(store, stage, *list);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->journals.size(), journals.size());
    for (uint32_t i = 0; i < options_.commands; ++i)
      ASSERT_EQ(read->commands[i].state, scheduler_->state(CommandIndex(i))) << i;
  }

  std::mt19937 random_;
  SchedulerOptions options_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<Event> log_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> starts_;
  std::vector<TimePoint> not_before_;
  std::set<uint32_t> succeeded_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
  bool fresh_ = false;
  uint32_t attempts_ = 0;
  uint32_t bad_seldom_ = 20;
};

TEST(SchedulerRandom, EveryCommandEndsOnceWhateverHappens) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    RandomStage(seed).run();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace mnp::model
