// The scheduler alone: a command is dealt, ran, judged and kept, and `deal` is called after every
// event. Then Pareto sleeps on 8 slots in virtual time against a bare greedy loop. Arguments:
// commands (1,000,000), nodes (1,000), slots a node (8), runs (5).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include <malloc.h>

#include "mnp/core/text.hpp"
#include "mnp/model/scheduler.hpp"

namespace {

using mnp::CommandIndex;
using mnp::Incarnation;
using mnp::NodeIndex;
using mnp::TimePoint;
using mnp::model::Scheduler;
using mnp::model::SchedulerOptions;

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (mnp::starts_with(line, "model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

struct Size {
  uint32_t commands = 1000000, nodes = 1000, slots = 8;
};
enum class List { kPlain, kCosts, kBlock, kFailing };

SchedulerOptions options_for(List list, const Size& size) {
  SchedulerOptions options;
  options.commands = size.commands;
  if (list == List::kBlock) options.distribution = mnp::model::Distribution::kBlock;
  options.block_nodes = size.nodes;
  if (list == List::kFailing) options.tries = 2;
  if (list == List::kCosts)
    for (uint32_t i = 0; i < size.commands; ++i) options.costs.push_back(i * 7919 % 1000 + 1);
  return options;
}

struct Round {
  double seconds = 0;  // all rounds
  double bytes = 0;    // a command, at the highest
  uint64_t rounds = 0;
  uint64_t deals = 0;  // messages
};

/// One stage: a queue of what is in flight, each ended in the order of dealing.
Round run_stage(List list, const Size& size) {
  Round result;
  SchedulerOptions options = options_for(list, size);
  const size_t before = heap_bytes() - options.costs.capacity() * sizeof(double);
  Scheduler scheduler(std::move(options));
  struct Held {
    uint32_t command, start, node;
  };
  std::deque<Held> held;
  TimePoint now = TimePoint() + std::chrono::hours(1);
  size_t most = heap_bytes() - before;
  mnp::model::Record record;
  record.incarnation = Incarnation(1);
  record.started = 1;
  record.ended = 1.0005;
  const auto deal = [&] {
    for (const auto& given : scheduler.deal(now)) {
      ++result.deals;
      for (const auto& item : given.items)
        held.push_back({item.command.value(), item.start, given.node.value()});
    }
  };
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < size.nodes; ++i)
    scheduler.add_node(NodeIndex(i), Incarnation(1), size.slots);
  deal();
  while (!scheduler.finished()) {
    now += std::chrono::nanoseconds(500);
    if (held.empty()) {
      now = std::max(now, scheduler.next_deal_time().value_or(now));
      deal();
      continue;
    }
    const Held one = held.front();
    held.pop_front();
    record.command = CommandIndex(one.command);
    record.start = one.start;
    record.node = NodeIndex(one.node);
    record.ending.value = list == List::kFailing && one.start == 1 ? 1 : 0;
    scheduler.ran(record.node, record.incarnation, record.command, record.start);
    deal();
    if (scheduler.judge(record) != Scheduler::Verdict::kAccept) std::abort();
    scheduler.kept(record, now);
    deal();
    if (++result.rounds % 65536 == 0)
      most = std::max(most, heap_bytes() - before - held.size() * sizeof(Held));
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (scheduler.counts().succeeded != size.commands) std::abort();
  result.bytes = static_cast<double>(most) / size.commands;
  return result;
}

void measure(const char* name, List list, const Size& size, int runs) {
  std::vector<double> rates;
  Round last;
  for (int i = 0; i < runs; ++i) {
    last = run_stage(list, size);
    rates.push_back(static_cast<double>(last.rounds) / last.seconds / 1e6);
  }
  std::sort(rates.begin(), rates.end());
  std::printf(
      "%-14s %6.2f M rounds/s (%.2f-%.2f)  %5.1f bytes a command  %5.1f commands a message\n", name,
      rates[rates.size() / 2], rates.front(), rates.back(), last.bytes,
      static_cast<double>(last.rounds) / static_cast<double>(last.deals));
}

std::vector<double> pareto(uint32_t seed, size_t count, double least) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.001, 1);
  std::vector<double> values(count);
  for (double& value : values) value = least * std::pow(uniform(random), -1 / 1.2);
  return values;
}

double greedy(const std::vector<double>& durations, size_t slots) {
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

/// Time at which the last of `durations` ends on nodes that run what they hold in order; main hears
/// of an end, and a node of a deal, `delay` seconds later.
double simulate(const std::vector<double>& durations, uint32_t nodes, uint32_t slots,
                double delay) {
  struct Event {
    double when;
    enum { kFree, kRan, kArrives } kind;
    uint32_t node, command;
    bool operator>(const Event& other) const { return when > other.when; }
  };
  SchedulerOptions options;
  options.commands = static_cast<uint32_t>(durations.size());
  Scheduler scheduler(std::move(options));
  std::vector<std::deque<uint32_t>> held(nodes);
  std::vector<uint32_t> idle(nodes, slots);
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  double end = 0;
  const auto deal = [&](double now) {
    const auto at = TimePoint() + std::chrono::hours(1) +
                    std::chrono::nanoseconds(static_cast<int64_t>(now * 1e9));
    for (const auto& given : scheduler.deal(at))
      for (const auto& item : given.items)
        events.push({now + delay, Event::kArrives, given.node.value(), item.command.value()});
  };
  for (uint32_t i = 0; i < nodes; ++i) scheduler.add_node(NodeIndex(i), Incarnation(1), slots);
  for (deal(0); !events.empty();) {
    const Event event = events.top();
    events.pop();
    if (event.kind == Event::kRan) {
      scheduler.ran(NodeIndex(event.node), Incarnation(1), CommandIndex(event.command), 1);
      deal(event.when);
      continue;
    }
    if (event.kind == Event::kArrives) held[event.node].push_back(event.command);
    if (event.kind == Event::kFree) {
      ++idle[event.node];
      end = event.when;
      events.push({event.when + delay, Event::kRan, event.node, event.command});
    }
    auto& queue = held[event.node];
    for (; idle[event.node] > 0 && !queue.empty(); queue.pop_front(), --idle[event.node])
      events.push({event.when + durations[queue.front()], Event::kFree, event.node, queue.front()});
  }
  return end;
}

void measure_sleeps(uint32_t nodes, double least, double delay) {
  std::vector<double> ratios;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const auto durations = pareto(seed, 200, least);
    ratios.push_back(simulate(durations, nodes, 8 / nodes, delay) / greedy(durations, 8));
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf(
      "200 Pareto sleeps from %3.0f ms, %u nodes of %u slots, %.0f ms a message: %.4f of greedy "
      "(%.4f-%.4f)\n",
      least * 1e3, nodes, 8 / nodes, delay * 1e3, ratios[ratios.size() / 2], ratios.front(),
      ratios.back());
}

}  // namespace

int main(int argc, char** argv) {
  Size size;
  if (argc > 1) size.commands = static_cast<uint32_t>(std::stoul(argv[1]));
  if (argc > 2) size.nodes = static_cast<uint32_t>(std::stoul(argv[2]));
  if (argc > 3) size.slots = static_cast<uint32_t>(std::stoul(argv[3]));
  const int runs = argc > 4 ? std::stoi(argv[4]) : 5;
  std::printf("%s; %u commands, %u nodes of %u slots, %d runs\n", cpu_name().c_str(), size.commands,
              size.nodes, size.slots, runs);
  measure("list order", List::kPlain, size, runs);
  measure("longest first", List::kCosts, size, runs);
  measure("block", List::kBlock, size, runs);
  measure("all fail once", List::kFailing, size, runs);
  for (const uint32_t nodes : {1U, 2U, 4U, 8U})
    for (const double least : {0.02, 0.1}) measure_sleeps(nodes, least, 0);
  measure_sleeps(4, 0.1, 0.001);
  return 0;
}
