#include "comms/rank_environment.hpp"

#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::comms {
namespace {

Result<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0')
    return fail(Code::kConfig,
                fmt::format("{} is not set; mnp-rank is started by mnp-node, not by hand", name));
  return std::string(value);
}

Result<uint32_t> number(const char* name) {
  MNP_TRY(const std::string text, variable(name));
  const auto value = parse_integer(text);
  if (!value) return fail(value.error().within(name));
  if (*value < 0 || *value > int64_t{std::numeric_limits<uint32_t>::max()})
    return fail(Code::kConfig, fmt::format("{}: {} is out of range", name, *value));
  return static_cast<uint32_t>(*value);
}

}  // namespace

Result<RankEnvironment> read_rank_environment() {
  RankEnvironment environment;
  MNP_TRY(environment.agent_socket, variable(model::kAgentSocket));
  MNP_TRY(const uint32_t epoch, number(model::kEpoch));
  MNP_TRY(const uint32_t node, number(model::kNode));
  MNP_TRY(environment.files, variable(model::kRankFiles));
  environment.epoch = EpochNumber(epoch);
  environment.node = NodeIndex(node);
  return environment;
}

}  // namespace mnp::comms
