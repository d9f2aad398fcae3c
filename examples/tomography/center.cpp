#include "examples/tomography/center.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "examples/tomography/backproject.hpp"

namespace tomo {
namespace {

using mnp::Code;
using mnp::fail;

constexpr size_t kBins = 64;
constexpr double kSeen = 0.45;         // radius, in columns, of the disc that is looked at
constexpr size_t kCoarsePixels = 160;  // across the slice, in the first pass

/// Entropy of the grey values in the disc, over a range of values that stays the same.
class SliceEntropy {
 public:
  SliceEntropy(const Sinogram& filtered, double middle) : filtered_(filtered) {
    const std::vector<float> values = disc(middle, coarse_step());
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    low_ = *low < 0 ? 2 * *low : *low / 2;
    high_ = *high < 0 ? *high / 2 : 2 * *high;
  }

  bool flat() const { return !(low_ < high_); }
  size_t coarse_step() const {
    return std::max<size_t>(1, (filtered_.columns + kCoarsePixels - 1) / kCoarsePixels);
  }
  double operator()(double center, size_t step) const {
    const std::vector<float> values = disc(center, step);
    std::array<size_t, kBins> histogram{};
    for (const float value : values) {
      const double place = (value - low_) / (high_ - low_) * kBins;
      if (place >= 0 && place < kBins) ++histogram[static_cast<size_t>(place)];
    }
    double entropy = 0;
    for (const size_t count : histogram) {
      const double share = static_cast<double>(count) / static_cast<double>(values.size());
      if (count > 0) entropy -= share * std::log2(share);
    }
    return entropy;
  }

 private:
  std::vector<float> disc(double center, size_t step) const {
    const std::vector<float> slice = backproject(filtered_, center, filtered_.degrees.size(), step);
    const double columns = static_cast<double>(filtered_.columns);
    const size_t size = (filtered_.columns + step - 1) / step;
    std::vector<float> values;
    for (size_t i = 0; i < slice.size(); ++i) {
      const size_t row = i / size, column = i % size;
      const double x = static_cast<double>(column * step) - columns / 2;
      const double y = static_cast<double>(row * step) - columns / 2;
      if (x * x + y * y <= kSeen * kSeen * columns * columns) values.push_back(slice[i]);
    }
    return values;
  }

  const Sinogram& filtered_;
  double low_ = 0, high_ = 0;
};

/// Where the parabola through three equally spaced points is least, as an offset in spacings.
double vertex(double left, double middle, double right) {
  const double bend = left - 2 * middle + right;
  return bend > 0 ? std::clamp((left - right) / (2 * bend), -0.5, 0.5) : 0;
}

}  // namespace

Result<double> find_center(const Sinogram& filtered, double reach,
                           const std::function<void(double, double)>& tell) {
  if (filtered.degrees.empty()) return fail(Code::kConfig, "center: no angles");
  const double columns = static_cast<double>(filtered.columns);
  const SliceEntropy entropy(filtered, columns / 2);
  if (entropy.flat()) return fail(Code::kConfig, "center: the slice is empty");
  struct Pass {
    double reach, spacing;
    size_t step;
  };
  const size_t coarse = entropy.coarse_step();
  const double first = static_cast<double>(coarse);
  double center = columns / 2;
  for (const Pass& pass : {Pass{reach * columns, first, coarse},
                           Pass{first, 1, std::max<size_t>(1, coarse / 2)}, Pass{1, 0.25, 1}}) {
    const auto middle = static_cast<size_t>(std::ceil(pass.reach / pass.spacing));
    const size_t count = middle * 2 + 1;
    std::vector<double> found(count);
    const auto candidate = [&](size_t i) {
      return center + (static_cast<double>(i) - static_cast<double>(middle)) * pass.spacing;
    };
    for (size_t i = 0; i < count; ++i) {
      found[i] = entropy(candidate(i), pass.step);
      if (tell) tell(candidate(i), found[i]);
    }
    const auto best =
        static_cast<size_t>(std::min_element(found.begin(), found.end()) - found.begin());
    const bool inside = best > 0 && best + 1 < count;
    if (!inside && pass.step == coarse && pass.spacing == first)
      return fail(Code::kConfig, fmt::format("center: no sharpest slice between columns {} and {}",
                                             candidate(0), candidate(count - 1)));
    center = candidate(best);
    if (inside && pass.spacing < 1)
      center += pass.spacing * vertex(found[best - 1], found[best], found[best + 1]);
  }
  return center;
}

std::string center_to_json(double center) {
  return nlohmann::json{{"center", center}}.dump() + "\n";
}

Result<double> center_from_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("center") || !json["center"].is_number())
    return fail(Code::kConfig, "not of the form {\"center\": 296.0}");
  return json["center"].get<double>();
}

}  // namespace tomo
