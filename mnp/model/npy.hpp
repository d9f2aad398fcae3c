// NumPy's .npy files, versions 1.0 and 2.0: little endian, C order, five element types.
// Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"

namespace mnp::model {

enum class DType { kFloat32, kFloat64, kInt32, kInt64, kUint16 };

inline constexpr size_t kMaxNpyHeader = size_t{64} << 10;  // bytes in front of the data
inline constexpr size_t kMaxNpyRank = 32;                  // dimensions
inline constexpr size_t kMaxNpyData = size_t{1} << 40;     // bytes of data

/// Bytes of one element.
size_t size_of(DType dtype);
/// As the file spells it: "<f4", "<f8", "<i4", "<i8", "<u2".
std::string_view descr_of(DType dtype);
/// The dtype of a C++ type; exists for float, double, int32_t, int64_t and uint16_t alone.
template <class T>
DType dtype_of();

struct NpyHeader {
  DType dtype = DType::kFloat32;
  std::vector<size_t> shape;  // empty: one element
  size_t data_offset = 0;     // bytes from the start of the file
  /// Elements and bytes of the whole array; a parsed header never overflows them.
  size_t elements() const;
  size_t data_bytes() const { return elements() * size_of(dtype); }
};

/// Reads the header at the start of `bytes`, which may be a whole file or its first kMaxNpyHeader
/// bytes. kConfig says what is wrong: no magic, version, truncation, a header dictionary other
/// than NumPy writes, big endian, Fortran order, another dtype, or a size over the limits.
Result<NpyHeader> parse_npy_header(std::string_view bytes);
/// What stands in front of the data (version 1.0), padded to a multiple of 64 bytes. At most
/// kMaxNpyRank dimensions (asserted).
std::string encode_npy_header(DType dtype, std::span<const size_t> shape);

template <class T>
struct NpyArray {
  std::vector<size_t> shape;
  std::vector<T> values;  // C order
};

/// The header of the file, once its length has been found to be that of header and data.
Result<NpyHeader> read_npy_header(const fs::path& path);
/// The whole array. kConfig when the file holds another dtype: nothing is converted.
template <class T>
Result<NpyArray<T>> read_npy(const fs::path& path);
/// Elements [first, first + count) of the first dimension alone.
template <class T>
Result<NpyArray<T>> read_npy_part(const fs::path& path, size_t first, size_t count);
/// Creates or overwrites the file; makes missing folders. Not atomic and not synced: for results
/// that are published later. `values` must fill the shape (asserted).
template <class T>
Status write_npy(const fs::path& path, std::span<const size_t> shape, std::span<const T> values);
template <class T>
Status write_npy(const fs::path& path, const NpyArray<T>& array) {
  return write_npy<T>(path, array.shape, std::span<const T>(array.values));
}

}  // namespace mnp::model
