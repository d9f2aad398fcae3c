// What every call to AWS needs, as the process's environment and files say.
#pragma once

#include <memory>

#include "aws/credentials_sources.hpp"
#include "aws/http.hpp"
#include "aws/settings.hpp"

namespace mnp::aws {

struct Account {
  Settings settings;
  std::shared_ptr<Transport> transport;
  Provider credentials;  // asked when a call is signed

  /// kConfig as of Settings; kStore as of find_region.
  static Result<Account> open(const SettingsOptions& options, Variables variables);
};

}  // namespace mnp::aws
