// Clients of AWS's services, from settings.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/client.hpp"
#include "aws/settings.hpp"

namespace mnp::aws {

/// A client and where its service is reached.
struct Service {
  std::shared_ptr<Client> client;
  Endpoint endpoint;

  /// A POST of a form, as the query services (sts, cloudformation) take it. `fields` are added to
  /// Action and Version.
  HttpRequest form(const std::string& body) const;
};

/// `name`: batch, logs, cloudformation or sts. Without `credentials` requests are not signed.
/// kConfig: no region, or settings that make no sense.
Result<Service> make_service(std::string_view name, const Settings& settings,
                             std::shared_ptr<Transport> transport,
                             std::shared_ptr<CredentialsProvider> credentials);
/// How often a call is tried, from AWS_MAX_ATTEMPTS or max_attempts; 3.
Result<int> max_attempts(const Settings& settings);

}  // namespace mnp::aws
