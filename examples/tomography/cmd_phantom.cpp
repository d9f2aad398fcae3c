#include <fmt/format.h>

#include "examples/tomography/commands.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

namespace model = mnp::model;

template <class MakeImage>
Status write_images(const fs::path& path, const PhantomOptions& phantom, size_t count,
                    MakeImage&& make_image) {
  model::NpyArray<float> images{{count, phantom.rows, phantom.size}, {}};
  for (size_t i = 0; i < count; ++i) {
    const std::vector<float> one = make_image(phantom, i);
    images.values.insert(images.values.end(), one.begin(), one.end());
  }
  return model::write_npy(path, images);
}

}  // namespace

Status run(const WritePhantomOptions& options) {
  const PhantomOptions& phantom = options.phantom;
  MNP_CHECK(write_images(options.out / kProjections, phantom, phantom.angles, phantom_projection));
  MNP_CHECK(write_images(options.out / kFlats, phantom, kPhantomImages, phantom_flat));
  MNP_CHECK(write_images(options.out / kDarks, phantom, kPhantomImages, phantom_dark));
  model::NpyArray<float> degrees{{phantom.angles}, {}};
  for (size_t i = 0; i < phantom.angles; ++i) degrees.values.push_back(phantom_degrees(phantom, i));
  MNP_CHECK(model::write_npy(options.out / kDegrees, degrees));
  fmt::print("{}: {} angles, {} rows, {} columns, axis at column {}\n", options.out.string(),
             phantom.angles, phantom.rows, phantom.size,
             static_cast<double>(phantom.size) / 2 + phantom.offset);
  return {};
}

}  // namespace tomo
