// What nodes report: a slot is free, a record is stored, a record is kept.
#include <algorithm>

#include "mnp/model/scheduler_state.hpp"

namespace mnp::model {

bool Scheduler::State::ran(NodeIndex index, Incarnation incarnation, CommandIndex which,
                           uint32_t start, bool failed) {
  const uint32_t id = find_live(index, incarnation);
  const uint32_t i = which.value();
  if (id == kNone || i >= commands.size()) return false;
  Command& command = commands[i];
  if (failed) note_failing(i, id, start);
  if (!command.busy || command.node != id || command.start != start) return false;
  Node& node = nodes[id];
  if (command.state == CommandState::kInFlight) {
    free_slot(i);
    set_state(i, CommandState::kRan);
  } else {
    vacate(i);  // an earlier start has been kept meanwhile
  }
  node.pace.finished();
  if (node.place == Place::kNowhere && (node.idle > 0 || node.in_flight <= node.refill_at))
    make_ready(id);
  return true;
}

/// Of a start whose record is not kept: it may have failed for good. Said with its end, or with its
/// record, where its results could not be published.
void Scheduler::State::note_failing(uint32_t i, uint32_t id, uint32_t start) {
  Command& command = commands[i];
  const bool current = command.held && command.node == id && command.start == start;
  const bool open = command.state == CommandState::kInFlight || command.state == CommandState::kRan;
  const bool final = command.failures + 1U >= options.tries || !options.retry_on.empty();
  if (!current || !open || !final || command.failing) return;
  command.failing = true;
  ++failing;
}

Scheduler::Verdict Scheduler::State::judge(const Record& record) const {
  const uint32_t id = find_live(record.node, record.incarnation);
  const uint32_t i = record.command.value();
  if (id == kNone || i >= commands.size()) return Verdict::kRefuse;
  const Command& command = commands[i];
  if (record.start == 0 || record.start > command.start) return Verdict::kRefuse;
  // A start ends with its record or with the incarnation of its node. The incarnation lives and the
  // command has been started again: the record is kept.
  if (record.start < command.start) return Verdict::kDuplicate;
  if (command.node != id) return Verdict::kRefuse;
  if (command.recorded || command.state == CommandState::kSucceeded) return Verdict::kDuplicate;
  return command.held ? Verdict::kAccept : Verdict::kRefuse;
}

void Scheduler::State::kept(const Record& record, TimePoint now) {
  const uint32_t i = record.command.value();
  if (i >= commands.size()) return;
  Command& command = commands[i];
  const uint32_t id = find_live(record.node, record.incarnation);
  const bool current =
      command.held && id != kNone && command.node == id && command.start == record.start;
  if (!current) return kept_late(record);
  Node& node = nodes[id];
  if (record.ended > record.started) {
    node.pace.took(record.ended - record.started);
    spread.took(record.ended - record.started);
  }
  if (command.busy) node.pace.finished();
  vacate(i);
  if (node.place == Place::kNowhere && node.idle > 0) make_ready(id);
  if (command.state == CommandState::kSucceeded) return;
  command.recorded = true;
  if (!probes.empty()) end_probe(i);
  if (record.success()) return set_state(i, CommandState::kSucceeded);
  fail_try(i, record, id);
  if (command.state != CommandState::kWaiting) return;
  node.bad ? enqueue(i) : delay(i, now + backoff(command.failures));
}

/// The record was on its way into the journal when its node was lost: the command waits, is
/// poisoned or runs elsewhere by now. A success counts, and what runs elsewhere is waited for only
/// as something that has a slot. A failure counts unless a newer start is there.
void Scheduler::State::kept_late(const Record& record) {
  const uint32_t i = record.command.value();
  Command& command = commands[i];
  if (command.state == CommandState::kSucceeded) return;
  if (record.start == 0 || record.start > command.start) return;
  if (record.success()) {
    set_state(i, CommandState::kSucceeded);
    if (command.held && !command.busy) vacate(i);
    if (queue.contains(i)) {
      queue.erase(i);
      command.queued = false;
    }
    return;
  }
  if (record.start < command.start || command.recorded || command.held) return;
  if (command.state != CommandState::kWaiting) return;
  command.recorded = true;
  const uint32_t id = find(record.node);
  if (id != kNone) fail_try(i, record, id);
}

/// A command in flight, ran or waiting has failed once more: it is waiting (without an entry) or
/// final afterwards.
void Scheduler::State::fail_try(uint32_t i, const Record& record, uint32_t node) {
  Command& command = commands[i];
  if (nodes[node].bad) return set_state(i, CommandState::kWaiting);
  note_failure(i, node);
  if (command.failures < UINT16_MAX) ++command.failures;
  if (command.failures < options.tries && worth_another_try(record.ending))
    return set_state(i, CommandState::kWaiting);
  const bool timed_out = record.ending.kind == Ending::Kind::kTimedOut;
  if (queue.contains(i)) {
    queue.erase(i);
    command.queued = false;
  }
  set_state(i, timed_out ? CommandState::kTimedOut : CommandState::kFailed);
}

/// A signal n is the status 128 + n, as in a shell; a timeout and a failed start have no status.
bool Scheduler::State::worth_another_try(const Ending& ending) const {
  const auto& statuses = options.retry_on;
  if (statuses.empty()) return true;
  int status = -1;
  if (ending.kind == Ending::Kind::kExited) status = ending.value;
  if (ending.kind == Ending::Kind::kSignalled) status = 128 + ending.value;
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

Milliseconds Scheduler::State::backoff(uint32_t failures) const {
  Milliseconds wait = options.backoff;
  for (uint32_t i = 1; i < failures && wait < kMaxBackoff; ++i) wait *= 2;
  return std::min(wait, kMaxBackoff);
}

}  // namespace mnp::model
