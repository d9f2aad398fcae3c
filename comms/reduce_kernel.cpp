#include "comms/reduce_kernel.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace mnp::comms {
namespace {

using model::DType;
using model::ReduceOp;

template <class T>
T load(const char* from, size_t i) {
  T value;
  std::memcpy(&value, from + i * sizeof(T), sizeof(T));
  return value;
}
template <class T>
void store(char* to, size_t i, T value) {
  std::memcpy(to + i * sizeof(T), &value, sizeof(T));
}

template <class T>
bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(value);
  else
    return false;
}

struct Sum {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;  // wraps where the signed sum would be undefined
      return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    } else {
      return a + b;
    }
  }
};
struct Min {
  template <class T>
  static T apply(T a, T b) {
    return is_nan(a) || a < b ? a : b;
  }
};
struct Max {
  template <class T>
  static T apply(T a, T b) {
    return is_nan(a) || a > b ? a : b;
  }
};

template <class Value, class Accumulator, class Op>
struct Loops {
  static void begin(char* accumulators, const char* values, size_t count) {
    for (size_t i = 0; i < count; ++i)
      store(accumulators, i, static_cast<Accumulator>(load<Value>(values, i)));
  }
  static void add(char* accumulators, const char* values, size_t count) {
    for (size_t i = 0; i < count; ++i)
      store(accumulators, i,
            Op::apply(load<Accumulator>(accumulators, i),
                      static_cast<Accumulator>(load<Value>(values, i))));
  }
  static void merge(char* accumulators, const char* others, size_t count) {
    for (size_t i = 0; i < count; ++i)
      store(accumulators, i,
            Op::apply(load<Accumulator>(accumulators, i), load<Accumulator>(others, i)));
  }
  static size_t finish(char* values, const char* accumulators, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const auto sum = load<Accumulator>(accumulators, i);
      if constexpr (std::is_integral_v<Value> && sizeof(Value) < sizeof(Accumulator)) {
        if (sum > std::numeric_limits<Value>::max()) return i;
      }
      store(values, i, static_cast<Value>(sum));
    }
    return count;
  }
};

template <class Value, class Accumulator, class Op>
ReduceKernel kernel() {
  using L = Loops<Value, Accumulator, Op>;
  return {sizeof(Value), sizeof(Accumulator), &L::begin, &L::add, &L::merge, &L::finish};
}

template <class Value, class SumAccumulator>
ReduceKernel kernel_for(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum:
      return kernel<Value, SumAccumulator, Sum>();
    case ReduceOp::kMin:
      return kernel<Value, Value, Min>();
    case ReduceOp::kMax:
      break;
  }
  return kernel<Value, Value, Max>();
}

}  // namespace

ReduceKernel reduce_kernel(DType dtype, ReduceOp op) {
  switch (dtype) {
    case DType::kFloat32:
      return kernel_for<float, double>(op);
    case DType::kFloat64:
      return kernel_for<double, double>(op);
    case DType::kInt32:
      return kernel_for<int32_t, int32_t>(op);
    case DType::kInt64:
      return kernel_for<int64_t, int64_t>(op);
    case DType::kUint16:
      break;
  }
  return kernel_for<uint16_t, uint64_t>(op);
}

}  // namespace mnp::comms
