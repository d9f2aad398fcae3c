// mnp-node: what every container of a job starts. Without arguments it is the node's keeper, which
// starts this same program once more as the agent.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "mnp/core/fd.hpp"
#include "mnp/core/log.hpp"
#include "mnp/node/agent.hpp"
#include "mnp/node/keeper.hpp"
#include "mnp/node/node_arguments.hpp"

int main(int argc, char** argv) {
  mnp::hold_standard_descriptors();
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto arguments = mnp::node::parse_node_arguments(words);
  if (!arguments) {
    std::fprintf(stderr, "mnp-node: %s\n", arguments.error().text.c_str());
    return mnp::code_info(arguments.error().code).exit_status;
  }
  if (!arguments->answer.empty()) {
    std::puts(arguments->answer.c_str());
    return 0;
  }
  if (arguments->link < 0) mnp::node::block_keeper_signals();
  mnp::log::start("mnp-node");
  const auto me =
      mnp::node::identify([](const char* name) { return std::getenv(name); }, arguments->key_kept);
  if (!me) {
    mnp::log::error("{}", me.error().text);
    return mnp::code_info(me.error().code).exit_status;
  }
  mnp::log::start(me->label());
  if (arguments->link >= 0)
    return mnp::node::run_agent(*me, arguments->incarnation, mnp::Fd(arguments->link),
                                mnp::Fd(arguments->page));
  return mnp::node::run_node_keeper(*me, argv[0]);
}
