// Numbers that must not be mixed up. Each counts from 0 unless said otherwise.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace mnp {

template <class Tag, class Value>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Value value) : value_(value) {}
  constexpr Value value() const { return value_; }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  Value value_{};
};

using NodeIndex = Id<struct NodeIndexTag, uint32_t>;        // Batch's index of a node in its job
using Incarnation = Id<struct IncarnationTag, uint32_t>;    // of an agent on a node; from 1
using Rank = Id<struct RankTag, int32_t>;                   // in one MPI world
using EpochNumber = Id<struct EpochNumberTag, uint32_t>;    // of an MPI world in an attempt; from 1
using CommandIndex = Id<struct CommandIndexTag, uint32_t>;  // line of the command list that is run
using SlotIndex = Id<struct SlotIndexTag, uint32_t>;        // place for one command on a node
using OwnerNumber = Id<struct OwnerNumberTag, uint32_t>;    // claim on a stage; from 1

/// One start of a command.
struct StartId {
  CommandIndex command;
  uint32_t start = 1;  // counts every start of the command in the run, from 1 (MNP_TRY)
  auto operator<=>(const StartId&) const = default;
};

}  // namespace mnp

template <class Tag, class Value>
struct std::hash<mnp::Id<Tag, Value>> {
  size_t operator()(const mnp::Id<Tag, Value>& id) const { return std::hash<Value>()(id.value()); }
};
