// The centre of rotation: the column at which the slice is sharpest.
// Donath, Beckmann and Schreyer, J. Opt. Soc. Am. A 23, 1048 (2006): least entropy of the slice.
#pragma once

#include <functional>

#include "examples/tomography/blocks.hpp"

namespace tomo {

/// Looks at centres within `reach` times the columns of the detector's middle, in coarse steps
/// on few pixels, then in finer ones on more, down to a parabola through quarters of a column.
/// `tell`, when given, hears every candidate. kConfig when the least entropy lies at the edge of
/// the range: the true centre is outside, or there is nothing to see.
Result<double> find_center(const Sinogram& filtered, double reach = 0.1,
                           const std::function<void(double center, double entropy)>& tell = {});

/// {"center": 296.03}
std::string center_to_json(double center);
Result<double> center_from_json(const std::string& text);

}  // namespace tomo
