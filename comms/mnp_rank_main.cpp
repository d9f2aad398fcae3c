// mnp-rank: one a node in every epoch, started by mpirun.
#include <unistd.h>

#include <csignal>

#include <fmt/format.h>

#include "comms/rank_environment.hpp"
#include "comms/session.hpp"
#include "mnp/core/log.hpp"

namespace {

/// The world may hang in MPI's own exit handlers: leaves without them.
[[noreturn]] void leave(const mnp::Error& error) {
  if (error.code != mnp::Code::kClosed) mnp::log::error("{}", error.text);
  ::_exit(mnp::code_info(error.code).exit_status);
}

}  // namespace

int main() {
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the limit is an error of write(2)
  mnp::log::start("rank");
  const auto environment = mnp::comms::read_rank_environment();
  if (!environment) leave(environment.error());
  mnp::log::start(fmt::format("rank of node {}", environment->node.value()));
  leave(mnp::comms::run_rank(*environment));
}
