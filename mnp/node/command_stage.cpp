#include "mnp/node/command_stage.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr size_t kMaxDealBytes = size_t{4} << 20;  // lines in one message

model::SchedulerOptions options_of(const Context& context, const model::CommandList& list) {
  const model::StageSpec& spec = context.spec();
  model::SchedulerOptions options;
  options.commands = list.size();
  options.tries = spec.tries;
  options.retry_on = spec.retry_on;
  options.distribution = spec.distribution;
  options.block_nodes = context.me.nodes;
  options.on_failure = spec.on_failure;
  options.allowed_failures = spec.allow_failures.of(list.size());
  if (spec.order == model::Order::kLongestFirst && list.has_costs())
    for (uint32_t i = 0; i < list.size(); ++i) options.costs.push_back(list.cost(CommandIndex(i)));
  return options;
}

}  // namespace

CommandStage::CommandStage(Loop& loop, const Context& context, model::CommandList list)
    : loop_(loop),
      context_(context),
      list_(std::make_unique<model::CommandList>(std::move(list))),
      identities_(list_->identities()),
      scheduler_(options_of(context, *list_)) {}

CommandStage::~CommandStage() {
  if (timer_) loop_.cancel(*timer_);
}

Result<std::unique_ptr<CommandStage>> CommandStage::open(Loop& loop, const Context& context) {
  MNP_TRY(auto list,
          model::open_list_copy(*context.store, context.keys().commands(), context.scratch.root));
  if (list.size() == 0)
    return fail(Code::kConfig, (context.me.raw ? context.me.list_file
                                               : context.store->url(context.keys().commands())) +
                                   " has no commands; write one a line");
  return std::unique_ptr<CommandStage>(new CommandStage(loop, context, std::move(list)));
}

void CommandStage::begin(JournalThread& journal, const model::Begun& begun, bool careful,
                         Callbacks callbacks) {
  journal_ = &journal;
  careful_ = careful;
  callbacks_ = std::move(callbacks);
  scheduler_.restore(begun);
  poison(scheduler_.restored());
}

// ---- nodes

void CommandStage::add_node(NodeIndex node, Incarnation incarnation, uint32_t slots) {
  const auto found = nodes_.find(node);
  if (found != nodes_.end() && found->second.incarnation == incarnation) return;
  MNP_ASSERT(found == nodes_.end(), "a node is added in one incarnation at a time");
  nodes_[node].incarnation = incarnation;
  scheduler_.add_node(node, incarnation, slots, node == context_.me.index);
}

void CommandStage::lose_node(NodeIndex node, TimePoint deal_again_at, bool orderly) {
  health_.gone(node);
  take_back_unsent(node);
  if (nodes_.erase(node) == 0)
    scheduler_.release_slice(node);
  else if (orderly)
    scheduler_.remove_node(node);
  else
    poison(scheduler_.lose_node(node, deal_again_at));
  turn();
}

/// What was never sent cannot have ended its node.
void CommandStage::take_back_unsent(NodeIndex node) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  std::vector<StartId> starts(found->second.unsent.begin(), found->second.unsent.end());
  for (Pending& pending : pending_) {
    if (!pending.deal || pending.deal->node != node) continue;
    starts.insert(starts.end(), pending.deal->items.begin(), pending.deal->items.end());
    pending.deal.reset();
  }
  scheduler_.take_back(node, found->second.incarnation, starts);
}

void CommandStage::poison(const std::vector<CommandIndex>& commands) {
  for (const CommandIndex command : commands) {
    log::warning("command {} is poisoned: its node died under it three times", command.value());
    journal_->append(model::Poisoned{command, identities_[command.value()]});
  }
}

bool CommandStage::at_work() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [this](const auto& each) {
    return scheduler_.in_flight(each.first) > 0 || scheduler_.unkept(each.first) > 0;
  });
}

// ---- dealing

void CommandStage::set_dealing(bool dealing) {
  dealing_ = dealing;
  if (dealing && !std::exchange(begun_, true)) last_progress_ = Clock::now();
  if (!dealing) {
    for (auto& [index, node] : nodes_) node.doubtful.merge(node.unheard);
    return;
  }
  send_unsent();
  turn();
}

void CommandStage::stop_dealing() {
  scheduler_.stop_dealing();
  dealing_ = false;
}

void CommandStage::turn() {
  if (journal_ == nullptr) return;
  deal();
  plan_turn();
  tell_if_finished();
}

void CommandStage::plan_turn() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (!dealing_) return;
  if (const auto when = scheduler_.next_deal_time())
    timer_ = loop_.at(*when, [this] {
      timer_.reset();
      turn();
    });
}

void CommandStage::deal() {
  if (!dealing_) return;
  for (model::Scheduler::NodeDeal& deal : scheduler_.deal(Clock::now())) {
    model::Dealt event;
    event.node = deal.node;
    event.incarnation = deal.incarnation;
    event.suspect = deal.suspect;
    for (const auto& item : deal.items)
      event.items.push_back({item.command, item.start, identities_[item.command.value()]});
    const uint64_t ticket = journal_->append(std::move(event));
    if (deal.suspect || (careful_ && deal.node == context_.me.index)) {
      Pending pending;
      pending.ticket = ticket;
      pending.deal = std::move(deal);
      pending_.push_back(std::move(pending));
    } else {
      send_deal(deal);
    }
  }
}

/// One that has waited for the journal may find no world any more: it waits for the next; or that
/// nothing is to start any more.
void CommandStage::send_in_world(const model::Scheduler::NodeDeal& deal) {
  if (!scheduler_.dealing()) return scheduler_.take_back(deal.node, deal.incarnation, deal.items);
  if (dealing_ || deal.node == context_.me.index) return send_deal(deal);
  const auto node = nodes_.find(deal.node);
  if (node == nodes_.end() || node->second.incarnation != deal.incarnation) return;
  node->second.unsent.insert(deal.items.begin(), deal.items.end());
  if (deal.suspect) node->second.suspect = deal.items.front();
}

void CommandStage::send_unsent() {
  for (auto& [index, node] : nodes_) {
    model::Scheduler::NodeDeal deal;
    deal.node = index;
    deal.incarnation = node.incarnation;
    send_again(std::move(deal), std::exchange(node.unsent, {}));
  }
}

/// One that is suspect was alone in its deal, and is so again.
void CommandStage::send_again(model::Scheduler::NodeDeal deal, const std::set<StartId>& starts) {
  if (starts.empty()) return;
  if (!scheduler_.dealing())
    return scheduler_.take_back(deal.node, deal.incarnation, {starts.begin(), starts.end()});
  deal.items.assign(starts.begin(), starts.end());
  deal.suspect = nodes_.at(deal.node).suspect == *starts.begin();
  send_deal(deal);
}

void CommandStage::send_deal(const model::Scheduler::NodeDeal& deal) {
  const auto node = nodes_.find(deal.node);
  if (node == nodes_.end() || node->second.incarnation != deal.incarnation) return;
  model::Deal message;
  message.suspect = deal.suspect;
  if (deal.suspect) node->second.suspect = deal.items.front();
  size_t bytes = 0;
  node->second.unheard.insert(deal.items.begin(), deal.items.end());
  for (const StartId& item : deal.items) {
    const std::string_view line = list_->line(item.command);
    if (!message.items.empty() && bytes + line.size() > kMaxDealBytes) {
      callbacks_.send(deal.node, message);
      message.items.clear();
      bytes = 0;
    }
    bytes += line.size();
    message.items.push_back(
        {item.command, item.start, std::string(line), identities_[item.command.value()]});
  }
  if (!message.items.empty()) callbacks_.send(deal.node, message);
}

// ---- what nodes say

void CommandStage::ran(NodeIndex node, const model::Ran& ran) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  for (const auto& item : ran.items) {
    found->second.heard({item.command, item.start});
    scheduler_.ran(node, found->second.incarnation, item.command, item.start, item.failed);
  }
  turn();
}

void CommandStage::stored(NodeIndex node, std::vector<model::Record> records) {
  std::map<NodeIndex, model::Kept> again;
  const auto found = nodes_.find(node);
  for (model::Record& record : records) {
    if (record.node != node || record.command.value() >= list_->size()) continue;
    if (found != nodes_.end()) found->second.heard(record.id());
    scheduler_.ran(node, record.incarnation, record.command, record.start, !record.success());
    if (journaled_.count(record.id()) > 0)
      continue;  // said again in a new epoch; on its way already
    switch (scheduler_.judge(record)) {
      case model::Scheduler::Verdict::kRefuse:
        log::warning("refused a record of command {} by node {}, incarnation {}",
                     record.command.value(), node.value(), record.incarnation.value());
        break;
      case model::Scheduler::Verdict::kDuplicate:
        again[node].items.push_back(record.id());
        break;
      case model::Scheduler::Verdict::kAccept: {
        Pending pending;
        pending.ticket =
            journal_->append(model::RecordKept{record, identities_[record.command.value()]});
        journaled_.insert(record.id());
        pending.record = std::move(record);
        pending_.push_back(std::move(pending));
      }
    }
  }
  acknowledge(again);
  turn();
}

void CommandStage::held(NodeIndex node, const model::Held& held) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  std::set<StartId> lost = std::exchange(found->second.doubtful, {});
  for (const StartId& item : held.items) lost.erase(item);
  if (lost.empty()) return;
  log::info("node {}: {} deals were lost with their epoch and are said again", node.value(),
            lost.size());
  model::Scheduler::NodeDeal again;
  again.node = node;
  again.incarnation = found->second.incarnation;
  send_again(std::move(again), lost);
  turn();
}

// ---- what is in the journal

void CommandStage::committed(uint64_t through) {
  std::map<NodeIndex, model::Kept> kept;
  const TimePoint now = Clock::now();
  while (!pending_.empty() && pending_.front().ticket <= through) {
    const Pending pending = std::move(pending_.front());
    pending_.pop_front();
    if (pending.deal) send_in_world(*pending.deal);
    if (!pending.record) continue;
    const model::Record& record = *pending.record;
    journaled_.erase(record.id());
    scheduler_.kept(record, now);
    health_.ended(record.node, record.command, record.success());
    last_progress_ = now;
    kept[record.node].items.push_back(record.id());
    callbacks_.kept(record);
  }
  acknowledge(kept);
  look_at_health();
  turn();
}

/// Before the stage may be finished: what failed on a bad node only is open again.
void CommandStage::look_at_health() {
  try_probes();
  for (const model::NodeHealth::Probe& probe : health_.probes()) {
    const model::CommandState state = scheduler_.state(probe.command);
    if (state == model::CommandState::kFailed || state == model::CommandState::kTimedOut ||
        state == model::CommandState::kPoisoned)
      health_.give_up(probe);  // it has found no node, or was lost with the one it found
  }
  try_probes();
  while (const auto bad = health_.next_bad()) {
    if (scheduler_.nodes_usable() < 2) continue;  // nobody is left to do its work
    log::warning("node {} is bad and gets no more commands: {}", bad->node.value(), bad->reason);
    journal_->append(model::NodeBad{bad->node, bad->reason});
    scheduler_.declare_bad(bad->node);
    callbacks_.bad(bad->node, bad->reason);
  }
}

void CommandStage::try_probes() {
  while (const auto probe = health_.next_probe()) {
    if (scheduler_.probe(probe->command, probe->node))
      log::warning(
          "node {} may be bad, many commands in a row fail on it: command {} runs elsewhere",
          probe->node.value(), probe->command.value());
    else
      health_.give_up(*probe);
  }
}

void CommandStage::acknowledge(std::map<NodeIndex, model::Kept>& kept) {
  for (auto& [node, message] : kept) callbacks_.send(node, message);
}

void CommandStage::tell_if_finished() {
  if (!begun_ || told_ || !scheduler_.finished() || !pending_.empty()) return;
  told_ = true;
  loop_.post([this] { callbacks_.finished(); });
}

}  // namespace mnp::node
