#include "aws/service.hpp"

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {

Result<int> max_attempts(const Settings& settings) {
  const std::string text = settings.value("AWS_MAX_ATTEMPTS", "max_attempts");
  if (text.empty()) return ClientOptions().attempts;
  const auto number = parse_integer(text);
  if (!number || *number < 1 || *number > 100)
    return fail(Code::kConfig,
                fmt::format("AWS_MAX_ATTEMPTS (max_attempts) is '{}'; 1 to 100 are allowed", text));
  return static_cast<int>(*number);
}

Result<Service> make_service(std::string_view name, const Settings& settings,
                             std::shared_ptr<Transport> transport,
                             std::shared_ptr<CredentialsProvider> credentials) {
  MNP_TRY(const EndpointOptions options, settings.endpoint_options(name));
  Service service;
  MNP_TRY(service.endpoint, service_endpoint(name, options));
  ClientOptions client;
  client.rules.region = options.region.empty() ? "us-east-1" : options.region;
  client.rules.service = std::string(name);
  MNP_TRY(client.attempts, max_attempts(settings));
  service.client =
      std::make_shared<Client>(std::move(transport), std::move(credentials), std::move(client));
  return service;
}

HttpRequest Service::form(const std::string& body) const {
  HttpRequest request;
  request.method = "POST";
  request.endpoint = endpoint;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = body;
  return request;
}

}  // namespace mnp::aws
