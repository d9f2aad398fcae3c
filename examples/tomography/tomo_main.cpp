// tomo: the steps of a tomographic reconstruction, one subcommand each.
#include "examples/tomography/cli.hpp"

int main(int argc, char** argv) {
  return tomo::run_cli(argc, argv);
}
