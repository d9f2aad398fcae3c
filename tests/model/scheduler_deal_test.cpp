// How much each node gets, and how close simulated nodes come to a bare greedy loop.
#include <algorithm>
#include <cmath>
#include <map>
#include <queue>
#include <random>

#include "tests/model/scheduler_fixture.hpp"

namespace mnp::model {
namespace {

class SchedulerDeal : public SchedulerCase {};

TEST_F(SchedulerDeal, GivesNoMoreThanSlotsBeforeAnythingIsMeasured) {
  make(1000);
  add(0, 3);
  add(1, 5);
  const auto deals = deal();
  EXPECT_EQ(dealt_to(deals, 0).size(), 3u);
  EXPECT_EQ(dealt_to(deals, 1).size(), 5u);
}

TEST_F(SchedulerDeal, SpreadsLessWorkThanSlots) {
  make(8);
  for (uint32_t node = 0; node < 4; ++node) add(node, 8);
  const auto deals = deal();
  for (uint32_t node = 0; node < 4; ++node) EXPECT_EQ(dealt_to(deals, node).size(), 2u);
}

TEST_F(SchedulerDeal, LongestFirst) {
  SchedulerOptions options;
  options.commands = 4;
  options.costs = {1, 7, 0, 9};  // the mean of the known is 5.7
  make(options);
  add(0, 4);
  EXPECT_EQ(dealt_to(deal(), 0), (Indexes{3, 1, 2, 0}));
}

TEST_F(SchedulerDeal, BoundsWhatIsNotKept) {
  make(100000);
  add(0);
  uint32_t held = 0;
  for (auto deals = deal(); !deals.empty(); deals = deal()) {
    for (const auto& item : deals[0].items) ASSERT_TRUE(ran(0, item.command.value()));
    held += static_cast<uint32_t>(deals[0].items.size());
    ASSERT_LT(held, 50000u);
    pass(Milliseconds(1));
  }
  EXPECT_EQ(scheduler().unkept(NodeIndex(0)), held);
  scheduler().kept(record(0, 0), now_);
  EXPECT_EQ(dealt(deal()), 1u) << "a kept record makes room";
}

/// Virtual time: nodes take commands from what they hold in order, main hears of an end `delay`
/// later, and a record is kept 100 ms after it.
struct Simulation {
  struct Event {
    double when;
    int kind;  // 0: a slot is free, 1: main hears `ran`, 2: kept, 3: the deal arrives
    uint32_t node, command;
    double started = 0;
    bool operator>(const Event& other) const { return when > other.when; }
  };
  std::vector<double> durations;
  uint32_t nodes, slots;
  double delay;
  Scheduler scheduler;
  std::vector<std::deque<uint32_t>> held;
  std::vector<uint32_t> idle;
  std::vector<size_t> most;  // the most that a node had in flight
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  double end = 0;

  Simulation(std::vector<double> given, uint32_t nodes_, uint32_t slots_, double delay_,
             std::vector<double> costs = {})
      : durations(std::move(given)),
        nodes(nodes_),
        slots(slots_),
        delay(delay_),
        scheduler([&] {
          SchedulerOptions options;
          options.commands = static_cast<uint32_t>(durations.size());
          options.costs = std::move(costs);
          return options;
        }()),
        held(nodes_),
        idle(nodes_, slots_),
        most(nodes_, 0) {}

  static TimePoint at(double seconds) {
    return TimePoint() + std::chrono::hours(1) +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  void deal(double now) {
    for (const auto& given : scheduler.deal(at(now))) {
      for (const auto& item : given.items)
        events.push({now + delay, 3, given.node.value(), item.command.value()});
      most[given.node.value()] =
          std::max<size_t>(most[given.node.value()], scheduler.in_flight(given.node));
    }
  }
  void start(uint32_t node, double now) {
    while (idle[node] > 0 && !held[node].empty()) {
      const uint32_t command = held[node].front();
      held[node].pop_front();
      --idle[node];
      events.push({now + durations[command], 0, node, command, now});
    }
  }
  void take(const Event& event) {
    if (event.kind == 0) {
      ++idle[event.node];
      end = event.when;
      events.push({event.when + delay, 1, event.node, event.command});
      events.push({event.when + delay + 0.1, 2, event.node, event.command, event.started});
    } else if (event.kind == 1) {
      scheduler.ran(NodeIndex(event.node), Incarnation(1), CommandIndex(event.command), 1);
      deal(event.when);
    } else if (event.kind == 2) {
      Record record;
      record.command = CommandIndex(event.command);
      record.node = NodeIndex(event.node);
      record.incarnation = Incarnation(1);
      record.started = event.started;
      record.ended = event.started + durations[event.command];
      scheduler.kept(record, at(event.when));
    } else {
      held[event.node].push_back(event.command);
    }
    start(event.node, event.when);
  }
  /// The time at which the last command ends.
  double run() {
    for (uint32_t node = 0; node < nodes; ++node)
      scheduler.add_node(NodeIndex(node), Incarnation(1), slots);
    for (deal(0); !events.empty();) {
      const Event event = events.top();
      events.pop();
      take(event);
    }
    return end;
  }
};

double greedy(std::vector<double> durations, size_t slots, bool longest_first = false) {
  if (longest_first) std::sort(durations.rbegin(), durations.rend());
  std::priority_queue<double, std::vector<double>, std::greater<>> free;
  for (size_t i = 0; i < slots; ++i) free.push(0);
  double end = 0;
  for (const double duration : durations) {
    const double done = free.top() + duration;
    free.pop();
    free.push(done);
    end = std::max(end, done);
  }
  return end;
}

std::vector<double> pareto(uint32_t seed, size_t count, double least) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.001, 1);
  std::vector<double> values(count);
  for (double& value : values) value = least * std::pow(uniform(random), -1 / 1.2);
  return values;
}

TEST(SchedulerSimulated, UnequalCommandsRunAsInAGreedyLoop) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    for (const uint32_t nodes : {1u, 2u, 8u}) {
      for (const double least : {0.02, 0.05, 0.5}) {
        const auto durations = pareto(seed, 200, least);
        Simulation simulation(durations, nodes, 8 / nodes, 0);
        EXPECT_LE(simulation.run(), 1.02 * greedy(durations, 8))
            << seed << ' ' << nodes << ' ' << least;
        EXPECT_TRUE(simulation.scheduler.finished());
      }
    }
  }
}

TEST(SchedulerSimulated, LongestFirstRunsAsInAGreedyLoop) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const auto durations = pareto(seed, 200, 0.5);
    Simulation simulation(durations, 4, 2, 0, durations);
    EXPECT_LE(simulation.run(), 1.02 * greedy(durations, 8, true)) << seed;
  }
}

TEST(SchedulerSimulated, SlowCommandsAreNotPrefetched) {
  Simulation simulation(std::vector<double>(200, 2.0), 4, 2, 0.001);
  simulation.run();
  for (const size_t most : simulation.most) EXPECT_EQ(most, 2u);
}

TEST(SchedulerSimulated, FastCommandsArePrefetchedByHundreds) {
  const std::vector<double> durations(40000, 2 / 3500.0);
  Simulation simulation(durations, 2, 2, 0.005);
  const double end = simulation.run();
  for (const size_t most : simulation.most) EXPECT_GE(most, 200u);
  EXPECT_LE(end, 1.05 * greedy(durations, 4)) << "nodes do not wait for main";
}

TEST(SchedulerSimulated, PrefetchLeavesNoNodeWithoutWorkAtTheEnd) {
  const std::vector<double> durations(20000, 0.001);
  Simulation simulation(durations, 8, 4, 0.0005);
  EXPECT_LE(simulation.run(), 1.05 * greedy(durations, 32));
}

}  // namespace
}  // namespace mnp::model
