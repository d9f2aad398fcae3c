// Places for commands on a node: how many run at once, and on which cores and GPUs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cpu/topology.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::cpu {

/// What one command needs, and what the node has beside its cores.
struct SlotRequest {
  uint32_t cpus = 1;              // cores per command
  uint64_t memory = 0;            // bytes per command; 0: not said
  uint32_t gpus = 0;              // per command
  std::optional<uint32_t> slots;  // explicit number; may exceed the cores
  uint32_t gpus_available = 0;    // GPUs of the node, numbered from 0
};

struct Slot {
  SlotIndex index;
  std::vector<int> cpus;       // os indexes to bind to; empty: no binding
  std::vector<uint32_t> gpus;  // numbers of the node's GPUs
};

/// As many slots as cores, memory and GPUs allow, or exactly the explicit number. An explicit
/// number that needs more cores than there are shares them: then nothing is bound. kConfig, with
/// what there is, when not one command fits, or memory or GPUs do not reach for the explicit
/// number.
Result<std::vector<Slot>> lay_out_slots(const Topology& topology, const SlotRequest& request);

/// Binds the calling thread, and what it starts from now on; empty: leaves it as it is.
Status bind_this_thread(const std::vector<int>& cpus);

}  // namespace mnp::cpu
