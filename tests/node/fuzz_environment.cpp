// libFuzzer target: a container's environment, one NAME=value a line. Who is accepted has an index
// among its nodes, and every refusal names a variable.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "mnp/core/text.hpp"
#include "mnp/node/identify.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnp;
  std::map<std::string, std::string, std::less<>> variables;
  for (const std::string& line : split({reinterpret_cast<const char*>(data), size}, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos || line.find('\0') != std::string::npos) continue;
    variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  const auto identity = node::identify([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!identity) {
    const std::string& text = identity.error().text;
    const bool named = text.find("AWS_BATCH_") != std::string::npos ||
                       text.find("MNP_") != std::string::npos ||
                       text.find("LIST_FILE_S3_PATH") != std::string::npos;
    if (!named) std::abort();
    return 0;
  }
  const bool sound = identity->nodes >= 1 && identity->index.value() < identity->nodes &&
                     identity->main_index.value() < identity->nodes && identity->attempt >= 1 &&
                     identity->port > 0 && identity->port <= 65535 && !identity->job.empty() &&
                     (identity->is_main() || !identity->main_address.empty());
  if (!sound) std::abort();
  return 0;
}
