// tomo: the steps of a tomographic reconstruction, one subcommand each.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "examples/tomography/commands.hpp"

namespace {

constexpr int kUsageError = 2;
constexpr char kFooter[] =
    "Example:\n"
    "  tomo normalize --out norm && tomo filter --in norm --block 0 --out filtered &&\n"
    "  tomo center --in filtered --out center.json && tomo backproject --in filtered --block 0\n"
    "    --row 0 --angles-total 180 --center center.json --out slices &&\n"
    "  tomo view slices/slice-0000.npy head.png";

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The steps of a tomographic reconstruction", "tomo");
  app.footer(kFooter);
  app.require_subcommand(1);
  tomo::Action action;
  tomo::add_phantom(app, action);
  tomo::add_list(app, action);
  tomo::add_normalize(app, action);
  tomo::add_filter(app, action);
  tomo::add_center(app, action);
  tomo::add_backproject(app, action);
  tomo::add_view(app, action);
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
