// Whose failure it is when a file of the store cannot be read or written.
#pragma once

#include "mnp/core/result.hpp"

namespace mnp::comms {

/// kIo becomes kStore, which another attempt may not meet. What is not there, or holds something
/// else than it should, stays what it is.
inline Error of_store(Error error) {
  if (error.code == Code::kIo) error.code = Code::kStore;
  return error;
}

}  // namespace mnp::comms
