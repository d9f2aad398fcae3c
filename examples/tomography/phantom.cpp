#include "examples/tomography/phantom.hpp"

#include <array>
#include <cmath>
#include <numbers>

namespace tomo {
namespace {

/// Attenuation, semi-axes, centre (in units of half the detector), rotation in degrees.
struct Ellipsoid {
  double density, a, b, c, x, y, degrees;
};
// Toft's variant of Shepp and Logan's head (The Radon Transform, 1996, table B.3), y downwards as
// in an image, every centre moved to the plane z = 0, so that the middle row shows all of them.
constexpr std::array<Ellipsoid, 10> kHead = {{{1.0, .69, .92, .81, 0, 0, 0},
                                              {-.8, .6624, .874, .78, 0, .0184, 0},
                                              {-.2, .11, .31, .22, .22, 0, 18},
                                              {-.2, .16, .41, .28, -.22, 0, -18},
                                              {.1, .21, .25, .41, 0, -.35, 0},
                                              {.1, .046, .046, .05, 0, -.1, 0},
                                              {.1, .046, .046, .05, 0, .1, 0},
                                              {.1, .046, .023, .05, -.08, .605, 0},
                                              {.1, .023, .023, .02, 0, .606, 0},
                                              {.1, .023, .046, .02, .06, .605, 0}}};
constexpr double kOpacity = 4;       // line integral through a length of half the detector
constexpr double kDarkCounts = 100;  // mean
constexpr double kDarkNoise = 3;     // standard deviation
enum class Image : uint64_t { kProjection = 1, kFlat = 2, kDark = 3 };

/// splitmix64's step: every pixel draws from its own number, so parts of a scan agree.
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}
double uniform(uint64_t bits) {
  return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
}

/// A standard normal number that depends on its arguments alone (Box and Muller).
double normal(const PhantomOptions& options, Image image, size_t index, size_t pixel) {
  if (!options.noise) return 0;
  const uint64_t key = mix(mix(mix(options.seed) ^ static_cast<uint64_t>(image)) ^ index) ^ pixel;
  const uint64_t first = mix(key), second = mix(first);
  return std::sqrt(-2 * std::log(uniform(first))) *
         std::cos(2 * std::numbers::pi * uniform(second));
}

/// Open beam at a pixel: brighter in the middle, and each pixel has its own gain.
double beam(const PhantomOptions& options, size_t row, size_t column) {
  const double x = 2 * (static_cast<double>(column) + 0.5) / static_cast<double>(options.size) - 1;
  const double gain = 0.97 + 0.06 * uniform(mix(row * options.size + column));
  return options.counts * gain * (1 - 0.2 * x * x);
}
double dark(size_t row, size_t column) {
  return kDarkCounts * (0.9 + 0.2 * uniform(mix(~(row << 32 | column))));
}

double half(const PhantomOptions& options) {
  return static_cast<double>(options.size) / 2;
}
/// Height of a row in units of half the detector; 0 in the middle.
double height(const PhantomOptions& options, size_t row) {
  return (static_cast<double>(row) - static_cast<double>(options.rows - 1) / 2) / half(options);
}

/// Open beam times transmission, plus dark, with the noise of counting photons.
template <class LineIntegral>
std::vector<float> expose(const PhantomOptions& options, Image image, size_t index,
                          LineIntegral&& line_integral) {
  std::vector<float> counts(options.rows * options.size);
  for (size_t row = 0, pixel = 0; row < options.rows; ++row) {
    const std::vector<float> p = line_integral(row);
    for (size_t column = 0; column < options.size; ++column, ++pixel) {
      const double light = beam(options, row, column) * std::exp(-double{p[column]});
      const double spread = std::sqrt(light + kDarkNoise * kDarkNoise);
      counts[pixel] = static_cast<float>(light + dark(row, column) +
                                         spread * normal(options, image, index, pixel));
    }
  }
  return counts;
}

}  // namespace

float phantom_degrees(const PhantomOptions& options, size_t angle) {
  return static_cast<float>(180.0 * static_cast<double>(angle) /
                            static_cast<double>(options.angles));
}

std::vector<float> phantom_line_integrals(const PhantomOptions& options, size_t angle, size_t row) {
  // A point (x, y) falls on u = x cos t - y sin t + axis; the rays run along the other direction.
  const double theta = phantom_degrees(options, angle) * std::numbers::pi / 180;
  const double z = height(options, row), axis = half(options) + options.offset;
  std::vector<float> integrals(options.size);
  for (size_t column = 0; column < options.size; ++column) {
    const double u = (static_cast<double>(column) - axis) / half(options);
    double sum = 0;
    for (const Ellipsoid& e : kHead) {
      const double level = 1 - (z / e.c) * (z / e.c);  // squared scale of the cut at this height
      if (level <= 0) continue;
      const double turned = theta + e.degrees * std::numbers::pi / 180;
      const double ca = e.a * std::cos(turned), sb = e.b * std::sin(turned);
      const double width = ca * ca + sb * sb;  // squared half width of the unscaled shadow
      const double t = u - (e.x * std::cos(theta) - e.y * std::sin(theta));
      const double inside = level * width - t * t;
      if (inside > 0) sum += e.density * 2 * e.a * e.b * std::sqrt(inside) / width;
    }
    integrals[column] = static_cast<float>(kOpacity * sum);
  }
  return integrals;
}

std::vector<float> phantom_slice(const PhantomOptions& options, size_t row) {
  const double z = height(options, row);
  std::vector<float> slice(options.size * options.size);
  for (size_t iy = 0, pixel = 0; iy < options.size; ++iy)
    for (size_t ix = 0; ix < options.size; ++ix, ++pixel) {
      const double x = (static_cast<double>(ix) - half(options)) / half(options);
      const double y = (static_cast<double>(iy) - half(options)) / half(options);
      double sum = 0;
      for (const Ellipsoid& e : kHead) {
        const double turn = e.degrees * std::numbers::pi / 180;
        const double dx = x - e.x, dy = y - e.y;
        const double along = (dx * std::cos(turn) + dy * std::sin(turn)) / e.a;
        const double across = (dy * std::cos(turn) - dx * std::sin(turn)) / e.b;
        if (along * along + across * across + (z / e.c) * (z / e.c) <= 1) sum += e.density;
      }
      slice[pixel] = static_cast<float>(kOpacity * sum / half(options));
    }
  return slice;
}

std::vector<float> phantom_projection(const PhantomOptions& options, size_t angle) {
  return expose(options, Image::kProjection, angle,
                [&](size_t row) { return phantom_line_integrals(options, angle, row); });
}

std::vector<float> phantom_flat(const PhantomOptions& options, size_t image) {
  return expose(options, Image::kFlat, image,
                [&](size_t) { return std::vector<float>(options.size, 0.0f); });
}

std::vector<float> phantom_dark(const PhantomOptions& options, size_t image) {
  std::vector<float> counts(options.rows * options.size);
  for (size_t pixel = 0; pixel < counts.size(); ++pixel)
    counts[pixel] = static_cast<float>(dark(pixel / options.size, pixel % options.size) +
                                       kDarkNoise * normal(options, Image::kDark, image, pixel));
  return counts;
}

}  // namespace tomo
