// What the roster says to people and to nodes.json.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "mnp/core/text.hpp"
#include "mnp/node/roster.hpp"

namespace mnp::node {
namespace {

std::string_view to_text(NodeState state) {
  switch (state) {
    case NodeState::kMissing:
      return "missing";
    case NodeState::kJoined:
      return "joined";
    case NodeState::kReady:
      return "ready";
    case NodeState::kUnfit:
      return "unfit";
    case NodeState::kLost:
      return "lost";
    case NodeState::kLeft:
      return "left";
  }
  return "";
}

}  // namespace

std::string Roster::missing_text() const {
  std::vector<std::string> parts;
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    const RosterNode& node = nodes_[i];
    switch (node.state) {
      case NodeState::kMissing:
        parts.push_back(fmt::format("node {} (never joined)", i));
        break;
      case NodeState::kJoined:
        parts.push_back(fmt::format("node {} (still prepares)", i));
        break;
      case NodeState::kReady:
        break;
      default:
        parts.push_back(fmt::format("node {} ({}: {})", i, to_text(node.state), node.reason));
    }
  }
  return join(parts, ", ");
}

std::string Roster::bad_text() const {
  std::vector<std::string> parts;
  for (uint32_t i = 0; i < nodes_.size(); ++i)
    if (!nodes_[i].bad.empty()) parts.push_back(fmt::format("node {} (bad: {})", i, nodes_[i].bad));
  return join(parts, ", ");
}

std::string Roster::to_json() const {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    const RosterNode& node = nodes_[i];
    Json row = {{"node", i}, {"state", to_text(node.state)}};
    if (node.state != NodeState::kMissing) {
      row["incarnation"] = node.incarnation.value();
      row["host"] = node.machine.host;
      row["address"] = node.machine.address;
      row["machine"] = node.machine.topology;
      row["cores"] = node.machine.cores;
      row["memory_bytes"] = node.machine.memory_bytes;
      row["gpus"] = node.machine.gpus;
      row["slots"] = node.slots;
      Json epochs = Json::array();
      for (const EpochNumber epoch : node.epochs) epochs.push_back(epoch.value());
      row["epochs"] = std::move(epochs);
    }
    if (!node.bad.empty()) row["bad"] = node.bad;
    if (!node.reason.empty()) row["reason"] = node.reason;
    list.push_back(std::move(row));
  }
  return Json{{"nodes", std::move(list)}}.dump(1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace mnp::node
