// libFuzzer target: the two files of ~/.aws, with a NUL between them. Who can read them can also
// tell where each profile's credentials come from, or why not.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/profile_chain.hpp"
#include "aws/profile_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnp::aws;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t cut = text.find('\0');
  const std::string config(text.substr(0, cut));
  const std::string credentials(cut == std::string_view::npos ? "" : text.substr(cut + 1));
  const auto profiles = parse_profiles({"config", config}, {"credentials", credentials});
  if (!profiles) {
    if (profiles.error().text.empty()) std::abort();
    return 0;
  }
  for (const auto& [name, properties] : profiles->profiles) {
    const auto source = profile_chain(*profiles, name);
    if (!source && source.error().text.empty()) std::abort();
  }
  return 0;
}
