// mnp: runs pipelines from the operator's machine.
#include "launcher/cli.hpp"

int main(int argc, char** argv) {
  return mnp::launcher::run_cli(argc, argv);
}
