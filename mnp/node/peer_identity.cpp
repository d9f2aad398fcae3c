#include "mnp/node/peer_identity.hpp"

#include <charconv>
#include <vector>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

constexpr std::string_view kVersion = "mnp1";
constexpr size_t kMaxJob = 128;

bool is_job(std::string_view job) {
  if (job.empty() || job.size() > kMaxJob) return false;
  for (const char c : job) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && std::string_view("._:/-").find(c) == std::string_view::npos) return false;
  }
  return true;
}

bool to_number(std::string_view text, uint32_t& value) {
  if (text.size() > 1 && text[0] == '0') return false;  // one spelling a number
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string to_text(const PeerIdentity& identity) {
  return std::string(kVersion) + "|" + identity.job + "|" + std::to_string(identity.attempt) + "|" +
         std::to_string(identity.node.value()) + "|" +
         std::to_string(identity.incarnation.value()) + "|" + std::to_string(identity.key_number);
}

Result<PeerIdentity> parse_identity(std::string_view text) {
  if (text.size() > kMaxIdentity) return fail(Code::kProtocol, "an identity that is too long");
  const std::vector<std::string> parts = split(text, '|');
  if (parts.size() != 6 || parts[0] != kVersion)
    return fail(Code::kProtocol, "an identity of another form");
  if (!is_job(parts[1])) return fail(Code::kProtocol, "an identity without a proper job id");
  PeerIdentity identity;
  identity.job = parts[1];
  uint32_t node = 0, incarnation = 0;
  if (!to_number(parts[2], identity.attempt) || !to_number(parts[3], node) ||
      !to_number(parts[4], incarnation) || !to_number(parts[5], identity.key_number))
    return fail(Code::kProtocol, "an identity with a field that is not a number");
  identity.node = NodeIndex(node);
  identity.incarnation = Incarnation(incarnation);
  return identity;
}

}  // namespace mnp::node
