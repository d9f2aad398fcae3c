#include <fmt/format.h>

#include "examples/tomography/commands.hpp"
#include "mnp/model/npy.hpp"

namespace tomo {
namespace {

namespace model = mnp::model;

struct Options {
  PhantomOptions phantom;
  fs::path out;
};

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

Status run(const Options& options) {
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

}  // namespace

void add_phantom_options(CLI::App& command, PhantomOptions& options) {
  command.add_option("--size", options.size, "phantom: columns of the detector")
      ->check(CLI::Range(16, 8192))
      ->capture_default_str();
  command.add_option("--angles", options.angles, "phantom: angles over half a turn")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--rows", options.rows, "phantom: rows of the detector")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  command.add_option("--offset", options.offset, "phantom: columns from the middle to the axis")
      ->check(CLI::Range(-1000.0, 1000.0))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "phantom: of the noise")->capture_default_str();
}

void add_phantom(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("phantom", "Write a scan of the Shepp-Logan head");
  auto options = std::make_shared<Options>();
  add_phantom_options(*command, options->phantom);
  command->add_option("--out", options->out, "folder for the four files")->required();
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace tomo
