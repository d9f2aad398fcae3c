// libFuzzer target: what mpirun gives mnp-rsh (arguments, one a line), and a spawn request as it
// comes over a channel. What is accepted has passed every check and survives the wire.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mnp/core/text.hpp"
#include "mnp/node/spawn.hpp"

namespace {

using namespace mnp;
using namespace mnp::node;

void require(bool holds) {
  if (!holds) std::abort();
}

void survives_the_wire(const SpawnRequest& request) {
  const auto again = decode_spawn_request(encode(request));
  require(again && *again == request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto request = parse_rsh_arguments(split(bytes, '\n'))) {
    require(check_spawn(*request).has_value());
    survives_the_wire(*request);
  }
  if (const auto request = decode_spawn_request(bytes)) survives_the_wire(*request);
  (void)decode_spawn_exit(bytes);
  (void)split_spawn_id(bytes);
  return 0;
}
