// Main's work in a stage of commands: deal them, journal what comes back, acknowledge it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mnp/core/loop.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/message.hpp"
#include "mnp/model/node_health.hpp"
#include "mnp/model/scheduler.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/journal_thread.hpp"

namespace mnp::node {

/// Lives in main's loop.
class CommandStage {
 public:
  struct Callbacks {
    std::function<void(NodeIndex, const model::Message&)> send;
    /// In the journal: a success's files are final.
    std::function<void(const model::Record&)> kept;
    std::function<void()> finished;  // everything that will be is final and kept; once
    /// Commands fail on this node that succeed elsewhere; it is dealt nothing any more.
    std::function<void(NodeIndex, const std::string& reason)> bad;
  };
  /// Reads the stage's list. The journals of earlier attempts are restored next, then `begin`.
  static Result<std::unique_ptr<CommandStage>> open(Loop& loop, const Context& context);
  ~CommandStage();

  /// One event of an earlier attempt, its command numbers those of today's list already.
  void restore(const model::Event& event) { scheduler_.restore(event); }
  const model::CommandList& list() const { return *list_; }
  /// After the last `restore`. `careful`: an earlier main of this stage was lost, so that what main
  /// deals to itself is journaled before it is started.
  void begin(JournalThread& journal, const model::Begun& begun, bool careful, Callbacks callbacks);

  void add_node(NodeIndex node, Incarnation incarnation, uint32_t slots);
  void lose_node(NodeIndex node, TimePoint deal_again_at, bool orderly);
  /// No deals while false: there is no MPI world, inputs are on their way, or the stage ends.
  void set_dealing(bool dealing);
  /// Deals, and whatever else is due.
  void turn();
  /// Deals nothing any more; what is in flight may still be kept.
  void stop_dealing();

  // What nodes say.
  void ran(NodeIndex node, const model::Ran& ran);
  void stored(NodeIndex node, std::vector<model::Record> records);
  void held(NodeIndex node, const model::Held& held);
  /// The journal has committed every event up to this ticket.
  void committed(uint64_t through);

  model::Counts counts() const { return scheduler_.counts(); }
  bool finished() const { return scheduler_.finished(); }
  /// Something that was dealt has not ended or is not kept: also of a command that is final.
  bool at_work() const;
  /// Commands have been dealt, and not all of them have been kept.
  bool under_way() const { return begun_ && !finished(); }
  /// While under way: when a command has been kept last, or the first could be dealt.
  TimePoint last_progress() const { return last_progress_; }

 private:
  struct Node {
    Incarnation incarnation;
    std::set<StartId> unheard;       // sent; neither ran nor stored as far as main has heard
    std::set<StartId> doubtful;      // the same, sent in an epoch that has ended
    std::optional<StartId> suspect;  // runs there alone, or is to
    std::set<StartId> unsent;        // dealt, and no world to send it in when it was in the journal
    void heard(const StartId& start) {
      unheard.erase(start);
      doubtful.erase(start);
    }
  };
  struct Pending {  // waits for its ticket
    uint64_t ticket = 0;
    std::optional<model::Record> record;
    std::optional<model::Scheduler::NodeDeal> deal;
  };
  CommandStage(Loop& loop, const Context& context, model::CommandList list);
  void deal();
  void send_deal(const model::Scheduler::NodeDeal& deal);
  void send_in_world(const model::Scheduler::NodeDeal& deal);
  void send_unsent();
  void send_again(model::Scheduler::NodeDeal deal, const std::set<StartId>& starts);
  void take_back_unsent(NodeIndex node);
  void look_at_health();
  void try_probes();
  void acknowledge(std::map<NodeIndex, model::Kept>& kept);
  void poison(const std::vector<CommandIndex>& commands);
  void plan_turn();
  void tell_if_finished();

  Loop& loop_;
  const Context& context_;
  std::unique_ptr<model::CommandList> list_;
  std::vector<uint64_t> identities_;
  model::Scheduler scheduler_;
  model::NodeHealth health_;
  JournalThread* journal_ = nullptr;
  Callbacks callbacks_;
  std::map<NodeIndex, Node> nodes_;
  std::deque<Pending> pending_;  // in the order of their tickets
  std::set<StartId> journaled_;  // records among `pending_`
  std::optional<Loop::TimerId> timer_;
  TimePoint last_progress_{};
  bool dealing_ = false, begun_ = false, careful_ = false, told_ = false;
};

}  // namespace mnp::node
