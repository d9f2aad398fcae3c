// What an attempt's nodes.json says about nodes that main has lost.
#include <nlohmann/json.hpp>

#include "launcher/local_attempt.hpp"

namespace mnp::launcher {

std::vector<LostNode> lost_nodes(Store& store, const std::string& nodes_json) {
  std::vector<LostNode> lost;
  const auto text = store.get(nodes_json);
  if (!text) return lost;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  const auto list = json.is_object() ? json.value("nodes", nlohmann::json()) : nlohmann::json();
  if (!list.is_array()) return lost;
  for (const auto& node : list) {
    if (!node.is_object()) continue;
    const auto index = node.find("node");
    const auto state = node.find("state");
    const auto reason = node.find("reason");
    if (index != node.end() && index->is_number_unsigned() && state != node.end() &&
        *state == "lost")
      lost.push_back({index->get<uint32_t>(), reason != node.end() && reason->is_string()
                                                  ? reason->get<std::string>()
                                                  : ""});
  }
  return lost;
}

}  // namespace mnp::launcher
