#include "mnp/core/log.hpp"

#include <cstdlib>
#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace mnp::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarning: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger>& logger() {
  static auto instance = std::make_shared<spdlog::logger>(
      "mnp", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  return instance;
}

}  // namespace

std::optional<Level> parse_level(std::string_view word) {
  if (word == "debug") return Level::kDebug;
  if (word == "info") return Level::kInfo;
  if (word == "warning") return Level::kWarning;
  if (word == "error") return Level::kError;
  return std::nullopt;
}

void start(std::string_view name, Level level) {
  const char* wanted = std::getenv("MNP_LOG");
  const auto chosen = to_spdlog(parse_level(wanted == nullptr ? "" : wanted).value_or(level));
  logger() = std::make_shared<spdlog::logger>(
      std::string(name), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%e %L %n: %v");
  logger()->set_level(chosen);
  logger()->flush_on(spdlog::level::debug);
}

void write(Level level, std::string_view text) {
  logger()->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

bool enabled(Level level) { return logger()->should_log(to_spdlog(level)); }

}  // namespace mnp::log
