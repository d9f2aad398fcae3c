// Back-projection of filtered parallel-beam projections.
#pragma once

#include <cstddef>
#include <vector>

#include "examples/tomography/blocks.hpp"

namespace tomo {

/// f(ix, iy) = (pi / angles_total) * sum over the sinogram's angles a of q(u), with
/// u = (ix - N/2) cos a - (iy - N/2) sin a + center, linear between columns, 0 outside; N is the
/// number of columns. With `angles_total` that of the scan, slices of parts of the angles add up
/// to the slice of all. Only pixels whose ix and iy are multiples of `step` are made: the result
/// is [n, n], n = ceil(N / step).
std::vector<float> backproject(const Sinogram& filtered, double center, size_t angles_total,
                               size_t step = 1);

}  // namespace tomo
