#include "mnp/node/agent.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include "cpu/launch.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/signals.hpp"
#include "mnp/node/child_node.hpp"
#include "mnp/node/main_node.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kReapInterval{5000};  // of what commands have left and what died since

constexpr std::array kStops = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

void watch_signals(Loop& loop, const Fd& signals, std::function<void(const std::string&)> stop) {
  loop.watch(signals.get(), EPOLLIN, [&signals, stop = std::move(stop)](uint32_t) {
    while (const auto signal = next_signal(signals)) stop("stopped by " + signal_name(*signal));
  });
}

template <class Node>
Result<std::optional<int>> run_node(Loop& loop, const Fd& signals, Node& node) {
  MNP_CHECK(node.open());
  watch_signals(loop, signals, [&node](const std::string& why) { node.stop(why); });
  node.start();
  loop.run();
  loop.forget(signals.get());
  return std::optional<int>(node.status());
}

Result<std::optional<int>> run_stage(const Identity& me, Incarnation incarnation,
                                     KeeperLink& keeper) {
  ::prctl(PR_SET_NAME, "mnp-node");  // not "exe", after the path by which the keeper starts it
  ::prctl(PR_SET_DUMPABLE, 0);       // no other process of this user reads the key
  MNP_TRY(const Machine machine, discover_machine());
  // Up to here a signal that asks to stop just kills: there is nothing to end in order. What comes
  // while a node opens is read once that has returned; if it does not, the keeper's patience ends.
  for (const int unheard : {SIGPIPE, SIGUSR1, SIGUSR2}) ::signal(unheard, SIG_IGN);
  cpu::raise_descriptor_limit();
  MNP_TRY(const Fd signals, catch_signals(kStops));
  MNP_TRY(const auto orphans, cpu::Orphans::create());
  MNP_TRY(Context context, make_context(me, incarnation));
  Result<std::optional<int>> status = std::optional<int>();
  Loop loop;
  loop.every(kReapInterval, [&orphans = *orphans] { orphans.reap(); });
  if (me.is_main()) {
    MainNode node(loop, context, machine, orphans, keeper);
    status = run_node(loop, signals, node);
    context.s3->cancel();  // what is still under way there is for nobody
  } else {
    ChildNode node(loop, context, machine, orphans, keeper);
    status = run_node(loop, signals, node);
    context.s3->cancel();
  }
  if (auto removed = remove_tree(context.scratch.root); !removed)
    log::warning("{}", removed.error().text);
  return status;
}

}  // namespace

int run_agent(const Identity& me, Incarnation incarnation, Fd link, Fd page) {
  auto shared = LeasePage::open(page);
  if (!shared) {
    log::error("{}", shared.error().text);
    return code_info(shared.error().code).exit_status;
  }
  page.reset();
  KeeperLink keeper(std::move(link), std::move(*shared));
  const auto status = run_stage(me, incarnation, keeper);
  if (status && !*status) return kStartAgain;
  int code = 0;
  if (status) {
    code = **status;
  } else {
    const CodeInfo& info = code_info(status.error().code);
    log::error("{}{}{}", status.error().text, info.hint.empty() ? "" : "; ", info.hint);
    code = info.exit_status;
  }
  keeper.finished(code);
  return code;
}

}  // namespace mnp::node
