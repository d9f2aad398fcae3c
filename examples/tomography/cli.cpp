#include "examples/tomography/cli.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "examples/tomography/commands.hpp"

namespace tomo {
namespace {

using Action = std::function<Status()>;

constexpr int kUsageError = 2;
constexpr char kFooter[] =
    "Example:\n"
    "  tomo normalize --out norm && tomo filter --in norm --block 0 --out filtered &&\n"
    "  tomo center --in filtered --out center.json && tomo backproject --in filtered --block 0\n"
    "    --row 0 --angles-total 180 --center center.json --out slices &&\n"
    "  tomo view slices/slice-0000.npy head.png";

/// A subcommand that hands what was typed to its run().
template <class Options>
std::pair<CLI::App*, Options*> add_command(CLI::App& app, Action& action, const std::string& name,
                                           const std::string& what) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, what);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
  return {command, options.get()};
}

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

void add_scan_options(CLI::App& command, ScanSource& source) {
  command.add_option("--scan", source.folder,
                     "folder of the scan; absent or empty: the phantom, as the options say");
  add_phantom_options(command, source.phantom);
}

void add_phantom(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<WritePhantomOptions>(
      app, action, "phantom", "Write a scan of the Shepp-Logan head");
  add_phantom_options(*command, options->phantom);
  command->add_option("--out", options->out, "folder for the four files")->required();
}

void add_list(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<ListOptions>(app, action, "list", "Print a stage's command list for a scan");
  command->add_option("stage", options->stage, "normalize, filter or backproject")
      ->required()
      ->check(CLI::IsMember({"normalize", "filter", "backproject"}));
  add_scan_options(*command, options->source);
  command->add_option("--blocks", options->blocks, "blocks of angles")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
}

void add_normalize(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<NormalizeOptions>(
      app, action, "normalize", "Turn a block of counts into line integrals");
  add_scan_options(*command, options->source);
  command->add_option("--first", options->first, "first angle of the block")->capture_default_str();
  command->add_option("--count", options->count, "angles in the block; default: all that follow");
  command->add_option("--out", options->out, "folder for the block")->required();
}

void add_filter(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<FilterOptions>(app, action, "filter", "Ramp-filter a block of line integrals");
  command->add_option("--in", options->in, "folder of normalized blocks")->required();
  command->add_option("--block", options->block, "first angle of the block")->required();
  command->add_option("--rings", options->rings, "remove rings up to about so many columns wide")
      ->check(CLI::Range(1, 1000));
  command->add_option("--out", options->out, "folder for the block")->required();
}

void add_center(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<CenterOptions>(app, action, "center", "Find the column of the axis of rotation");
  command->add_option("--in", options->in, "folder with all filtered blocks");
  command->add_option("--center", options->center, "write this column; empty or absent: search");
  command->add_option("--row", options->row, "row to look at; default: the middle one");
  command
      ->add_option("--reach", options->reach, "how far from the middle, as a share of the columns")
      ->check(CLI::Range(0.001, 0.5))
      ->capture_default_str();
  command->add_flag("--verbose", options->verbose, "print every candidate and its entropy");
  command->add_option("--out", options->out, "the JSON file")->required();
}

void add_backproject(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<BackprojectOptions>(
      app, action, "backproject", "Make a row's slice from a block of angles");
  command->add_option("--in", options->in, "folder of filtered blocks")->required();
  command->add_option("--block", options->block, "first angle of the block")->required();
  command->add_option("--row", options->row, "row of the detector")->required();
  command->add_option("--angles-total", options->angles_total, "angles of the whole scan")
      ->required()
      ->check(CLI::PositiveNumber);
  command->add_option("--center", options->center, "JSON file of `tomo center`")->required();
  command->add_option("--out", options->out, "folder for the slice; slices of all blocks add up")
      ->required();
}

void add_view(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<ViewOptions>(app, action, "view", "Draw a slice as a PNG");
  command->add_option("slice", options->slice, "slice-*.npy")->required();
  command->add_option("picture", options->picture, "the PNG file")->required();
  command->add_option("--low", options->low, "percentile that becomes black")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--high", options->high, "percentile that becomes white")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
}

void add_commands(CLI::App& app, Action& action) {
  app.require_subcommand(1);
  add_phantom(app, action);
  add_list(app, action);
  add_normalize(app, action);
  add_filter(app, action);
  add_center(app, action);
  add_backproject(app, action);
  add_view(app, action);
}

}  // namespace

int run_cli(int argc, char** argv) {
  CLI::App app("The steps of a tomographic reconstruction", "tomo");
  app.footer(kFooter);
  Action action;
  add_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  const mnp::Status done = action();
  if (!done) {
    std::fprintf(stderr, "tomo: %s\n", done.error().text.c_str());
    return mnp::code_info(done.error().code).exit_status;
  }
  return 0;
}

}  // namespace tomo
