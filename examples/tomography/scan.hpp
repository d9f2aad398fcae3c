// A parallel-beam scan: a folder of raw counts, or the phantom that needs no files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "examples/tomography/phantom.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"

namespace tomo {

using mnp::Result;
using mnp::Status;
namespace fs = std::filesystem;

inline constexpr char kProjections[] = "projections.npy";  // f4 [angle, row, column] raw counts
inline constexpr char kFlats[] = "flats.npy";              // f4 [image, row, column] open beam
inline constexpr char kDarks[] = "darks.npy";              // f4 [image, row, column] beam off
inline constexpr char kDegrees[] = "angles_deg.npy";       // f4 [angle]

struct ScanShape {
  size_t angles = 0, rows = 0, columns = 0;
};

/// Where the raw counts come from.
struct ScanSource {
  fs::path folder;  // empty: the phantom
  PhantomOptions phantom;
};

/// Raw counts of angles [first, first + count), and the mean open beam and dark of each pixel.
struct RawBlock {
  size_t count = 0, rows = 0, columns = 0;
  std::vector<float> degrees;  // [count]
  std::vector<float> counts;   // [count, rows, columns]
  std::vector<float> flat;     // [rows, columns]
  std::vector<float> dark;     // [rows, columns]
};

/// kConfig when the files do not fit each other.
Result<ScanShape> scan_shape(const ScanSource& source);
Result<RawBlock> read_raw_block(const ScanSource& source, size_t first, size_t count);

}  // namespace tomo
