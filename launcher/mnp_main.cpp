// mnp: runs pipelines from the operator's machine.
#include "launcher/cli.hpp"
#include "mnp/core/fd.hpp"

int main(int argc, char** argv) {
  mnp::hold_standard_descriptors();
  return mnp::launcher::run_cli(argc, argv);
}
