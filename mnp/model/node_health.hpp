// Which nodes are bad: commands fail there that succeed elsewhere. A pure state machine.
//
//   well -> suspected -> (a probe) -> bad
//    '-----------'  a success there; a failure of its commands elsewhere
//
// A bad node that fails fast eats the list, so its streak of failures is noticed first; but a
// stage's commands may fail for reasons of their own, so that both sides are asked: the others must
// succeed meanwhile, and one of the failed commands must succeed elsewhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "mnp/core/ids.hpp"

namespace mnp::model {

class NodeHealth {
 public:
  static constexpr uint32_t kStreak = 5;     // failures in a row before a node is suspected
  static constexpr size_t kMaxHeld = 64;     // commands of a streak that are known by number
  static constexpr int kMaxProbes = 2;       // of one suspicion
  static constexpr double kFarLower = 0.25;  // the others' failures, as a part of what they end
  static constexpr double kByChance = 1e-6;  // such a streak, were the node as the others are

  struct Probe {
    NodeIndex node;        // suspected
    CommandIndex command;  // failed there; to be run on any other node
  };
  struct Bad {
    NodeIndex node;
    std::string reason;
  };

  /// The record of a command that ended on a node has been kept.
  void ended(NodeIndex node, CommandIndex command, bool success);
  /// Lost or left: what was thought of it is forgotten, unless it is bad.
  void gone(NodeIndex node);

  /// A command to be tried elsewhere; it counts as under way. One that cannot be tried: give_up.
  std::optional<Probe> next_probe();
  /// The probe has come to nothing: the suspicion's next may be tried.
  void give_up(const Probe& probe);
  /// Those under way.
  std::vector<Probe> probes() const;

  /// A node that has turned out bad; once each.
  std::optional<Bad> next_bad();

 private:
  struct Node {
    uint64_t successes = 0, failures = 0;
    uint64_t others_before = 0;  // successes of all nodes when its streak began
    uint32_t streak = 0;         // failures in a row, of different commands
    uint32_t wanted = kStreak;   // for the next suspicion; doubles with each that was wrong
    int probes_left = kMaxProbes;
    std::vector<CommandIndex> held;  // of the streak, not probed yet
    std::optional<CommandIndex> probing;
    std::optional<NodeIndex> proof;  // where one of them has succeeded
    CommandIndex proved{0};
    bool bad = false;
  };
  bool hear_elsewhere(NodeIndex node, CommandIndex command, bool success);
  void succeeded(Node& node, NodeIndex index);
  void failed(Node& node, NodeIndex index, CommandIndex command);
  void consider(Node& node, NodeIndex index);
  bool suspected(const Node& node) const;
  void declare(Node& node, NodeIndex index);
  void end_streak(Node& node, NodeIndex index);

  std::map<NodeIndex, Node> nodes_;
  std::unordered_map<uint32_t, NodeIndex> failed_on_;  // commands of streaks
  std::set<NodeIndex> streaking_;                      // kStreak failures in a row or more
  uint64_t successes_ = 0;                             // of all
  uint64_t well_successes_ = 0, well_failures_ = 0;    // of all but `streaking_`
  std::vector<Probe> wanted_;
  std::vector<Bad> bad_;
};

}  // namespace mnp::model
