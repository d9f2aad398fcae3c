#include "examples/tomography/filter.hpp"

#include <algorithm>
#include <bit>
#include <complex>
#include <numbers>

#include <fftw3.h>

#include "mnp/core/result.hpp"

namespace tomo {

/// FFTW's buffers and plans for real lines of one length.
struct RampFilter::Transform {
  explicit Transform(size_t length)
      : size(length),
        line(fftw_alloc_real(length)),
        spectrum(fftw_alloc_complex(length / 2 + 1)),
        forward(fftw_plan_dft_r2c_1d(static_cast<int>(length), line, spectrum, FFTW_ESTIMATE)),
        backward(fftw_plan_dft_c2r_1d(static_cast<int>(length), spectrum, line, FFTW_ESTIMATE)) {
    MNP_ASSERT(line && spectrum && forward && backward, "FFTW has no plan");
  }
  ~Transform() {
    fftw_destroy_plan(forward);
    fftw_destroy_plan(backward);
    fftw_free(line);
    fftw_free(spectrum);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;

  size_t size;
  double* line;
  fftw_complex* spectrum;
  fftw_plan forward, backward;
};

RampFilter::RampFilter(size_t columns)
    : columns_(columns), transform_(std::make_unique<Transform>(std::bit_ceil(2 * columns))) {
  const size_t size = transform_->size;
  double* h = transform_->line;
  std::fill_n(h, size, 0.0);
  h[0] = 0.25;
  for (size_t n = 1; n < size; n += 2) {
    const double distance = std::numbers::pi * static_cast<double>(std::min(n, size - n));
    h[n] = -1 / (distance * distance);
  }
  fftw_execute(transform_->forward);
  response_.resize(size / 2 + 1);
  for (size_t k = 0; k < response_.size(); ++k)  // h is even: the response is real
    response_[k] = transform_->spectrum[k][0] / static_cast<double>(size);
}

RampFilter::~RampFilter() = default;

void RampFilter::apply(std::span<float> line) {
  MNP_ASSERT(line.size() == columns_, "a line of another length");
  Transform& fft = *transform_;
  std::copy(line.begin(), line.end(), fft.line);
  std::fill(fft.line + columns_, fft.line + fft.size, 0.0);
  fftw_execute(fft.forward);
  for (size_t k = 0; k < response_.size(); ++k) {
    fft.spectrum[k][0] *= response_[k];
    fft.spectrum[k][1] *= response_[k];
  }
  fftw_execute(fft.backward);
  std::transform(fft.line, fft.line + columns_, line.begin(),
                 [](double value) { return static_cast<float>(value); });
}

std::vector<float> ring_profile(std::span<const float> mean, size_t width) {
  std::vector<float> profile(mean.size()), window;
  for (size_t i = 0; i < mean.size(); ++i) {
    const size_t reach = std::min({width / 2, i, mean.size() - 1 - i});  // shrinks at the edges
    window.assign(mean.begin() + static_cast<ptrdiff_t>(i - reach),
                  mean.begin() + static_cast<ptrdiff_t>(i + reach + 1));
    const auto middle = window.begin() + static_cast<ptrdiff_t>(reach);
    std::nth_element(window.begin(), middle, window.end());
    profile[i] = mean[i] - *middle;
  }
  return profile;
}

}  // namespace tomo
