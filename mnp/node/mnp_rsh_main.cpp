// mnp-rsh: what mpirun calls in place of ssh. Asks this node's agent to start mpirun's daemon on
// another node of the job, and stands for it until it ends.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mnp/model/environment.hpp"
#include "mnp/node/rsh_client.hpp"
#include "mnp/node/rsh_request.hpp"

namespace {

constexpr int kFailed = 255;  // as ssh says "I could not": no daemon ends so

int complain(const mnp::Error& error) {
  std::fprintf(stderr, "mnp-rsh: %s\n", error.text.c_str());
  return kFailed;
}

/// SIGTERM and SIGINT end this process, and with its connection the far daemon; a launcher may
/// have blocked them. A closed output is no reason to end.
void set_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  set_signals();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--help") {
    std::puts(
        "usage: mnp-rsh HOST DAEMON [ARGUMENT]...\n"
        "mpirun starts it inside a node of mnp, in place of ssh; it is not for people.");
    return 0;
  }
  const char* socket = std::getenv(mnp::model::kAgentSocket);
  if (socket == nullptr || *socket == '\0')
    return complain(
        {mnp::Code::kUsage, std::string("mnp-rsh is started by mpirun inside a node of mnp; ") +
                                mnp::model::kAgentSocket + " is not set here"});
  const auto request = mnp::node::parse_rsh_arguments(arguments);
  if (!request) return complain(request.error().within("cannot serve this launcher"));
  const auto status = mnp::node::run_remote(socket, *request);
  if (!status) return complain(status.error().within(request->host));
  return *status;
}
