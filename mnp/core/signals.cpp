#include "mnp/core/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

namespace mnp {

Result<Fd> catch_signals(std::span<const int> numbers) {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int number : numbers) {
    struct sigaction action {};
    const bool known = ::sigaction(number, nullptr, &action) == 0;
    if (number == SIGHUP && known && action.sa_handler == SIG_IGN) continue;
    ::signal(number, SIG_DFL);
    sigaddset(&mask, number);
  }
  if (::sigprocmask(SIG_BLOCK, &mask, nullptr) != 0) return fail_errno("sigprocmask");
  Fd fd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

std::optional<int> next_signal(const Fd& caught) {
  signalfd_siginfo info{};
  if (::read(caught.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info))
    return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

std::string signal_name(int number) {
  const char* const name = ::sigabbrev_np(number);
  return name == nullptr ? "signal " + std::to_string(number) : std::string("SIG") + name;
}

}  // namespace mnp
