#include "launcher/run_store.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::launcher {
namespace {

/// By the XDG Base Directory Specification.
Result<fs::path> state_folder() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && fs::path(state).is_absolute()) return fs::path(state) / "mnp";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && fs::path(home).is_absolute())
    return fs::path(home) / ".local" / "state" / "mnp";
  return fail(Code::kConfig,
              "a store in S3 needs a place for locks and logs on this machine: set "
              "HOME or XDG_STATE_HOME");
}

}  // namespace

RunStore::RunStore(const fs::path& folder)
    : name(folder.string()), store(std::make_shared<FolderStore>(folder)), local(folder) {}

aws::S3Session& s3_session() {
  static aws::S3Session session;
  return session;
}

Result<RunStore> open_store(const std::string& option, const std::string& named) {
  std::string chosen = option;
  const char* const variable = std::getenv(model::kStore);
  if (chosen.empty() && variable != nullptr) chosen = variable;
  if (chosen.empty()) chosen = named.empty() ? "mnp-runs" : named;
  if (!aws::is_s3(chosen)) {
    if (chosen.find("://") == std::string::npos)
      return RunStore(fs::absolute(chosen).lexically_normal());
    return fail(Code::kConfig,
                fmt::format("store {}: name a folder or s3://BUCKET/PREFIX", chosen));
  }
  while (chosen.back() == '/') chosen.pop_back();
  MNP_TRY(const auto place, aws::S3Place::parse(chosen));
  for (const std::string& part : split(place.key, '/'))
    if ((part.empty() && !place.key.empty()) || part == "." || part == "..")
      return fail(Code::kConfig, fmt::format("store {}: a part of its prefix is '{}'; name another",
                                             chosen, part));
  MNP_TRY(const fs::path state, state_folder());
  MNP_TRY(auto store, s3_session().store(chosen));
  return RunStore(chosen, std::move(store), state / "s3" / place.bucket / place.key);
}

}  // namespace mnp::launcher
