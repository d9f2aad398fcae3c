// Signals that are read where it suits, instead of coming anywhere.
#pragma once

#include <signal.h>

#include <array>
#include <optional>
#include <span>
#include <string>

#include "mnp/core/fd.hpp"

namespace mnp {

/// What asks a program on a terminal to end in order.
inline constexpr std::array kStopSignals = {SIGINT, SIGTERM, SIGHUP};

/// Blocks the signals in this thread, and in those that it starts, and gives a descriptor that is
/// readable when one of them has come. Who started this process may have left them ignored: not any
/// more, but for a SIGHUP, which nohup(1) has ignored on purpose.
Result<Fd> catch_signals(std::span<const int> numbers);
/// The next that has come; nullopt: none is left.
std::optional<int> next_signal(const Fd& caught);
/// "SIGTERM"
std::string signal_name(int number);

}  // namespace mnp
