#include "mnp/node/broadcast_source.hpp"

#include <array>

#include <fmt/format.h>

namespace mnp::node {

Code code_of_missing(const std::error_code& error) {
  constexpr std::array kOfThePath = {std::errc::no_such_file_or_directory,
                                     std::errc::not_a_directory,
                                     std::errc::too_many_symbolic_link_levels,
                                     std::errc::filename_too_long, std::errc::permission_denied};
  for (const std::errc each : kOfThePath)
    if (error == each) return Code::kConfig;
  return Code::kStore;
}

Result<std::string> broadcast_source(const fs::path& link) {
  std::error_code error;
  const fs::path found = fs::canonical(link, error);
  if (!error) return found.string();
  return fail(code_of_missing(error),
              fmt::format("broadcast {}: {}", link.string(), error.message()));
}

}  // namespace mnp::node
