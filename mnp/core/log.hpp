// What programs say about themselves, on standard error. spdlog is behind this file alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace mnp::log {

enum class Level { kDebug, kInfo, kWarning, kError };

/// Of the words that MNP_LOG may hold: debug, info, warning, error.
std::optional<Level> parse_level(std::string_view word);

/// `name` stands in every line ("node 3"). The level comes from MNP_LOG (debug, info, warning,
/// error), else, also when that holds another word, it is `level`. Safe to call again; not from
/// several threads at once.
void start(std::string_view name, Level level = Level::kInfo);

void write(Level level, std::string_view text);
bool enabled(Level level);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug))
    write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarning))
    write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace mnp::log
