// One Orphans for all tests of a program: it adopts for the whole process.
#pragma once

#include <memory>

#include "cpu/orphans.hpp"

namespace mnp::node {

inline std::shared_ptr<cpu::Orphans> shared_orphans() {
  static const std::shared_ptr<cpu::Orphans> orphans = cpu::Orphans::create().value();
  return orphans;
}

}  // namespace mnp::node
