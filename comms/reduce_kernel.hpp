// Element by element: sum, minimum, maximum of blocks of array elements.
#pragma once

#include <cstddef>

#include "mnp/model/npy.hpp"
#include "mnp/model/spec.hpp"

namespace mnp::comms {

/// Values are what files hold, accumulators what is added up and travels between nodes:
/// - sum of <f4: accumulated in double over files and nodes, rounded once;
/// - sum of <i4, <i8: wraps as NumPy's addition in that type does;
/// - sum of <u2: accumulated in 64 bits; one that does not fit is an error, as raw counts overflow
///   easily and a wrapped count looks like data;
/// - min, max: a NaN on either side is the result, as in NumPy's minimum and maximum.
/// Buffers may lie anywhere: nothing is assumed of their alignment.
struct ReduceKernel {
  size_t value_bytes = 0, accumulator_bytes = 0;  // of one element
  void (*begin)(char* accumulators, const char* values, size_t count) = nullptr;
  void (*add)(char* accumulators, const char* values, size_t count) = nullptr;
  void (*merge)(char* accumulators, const char* others, size_t count) = nullptr;
  /// The first element that does not fit, or `count`.
  size_t (*finish)(char* values, const char* accumulators, size_t count) = nullptr;
};

ReduceKernel reduce_kernel(model::DType dtype, model::ReduceOp op);

}  // namespace mnp::comms
