#include "aws/region.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "aws/instance_metadata.hpp"
#include "aws/plain_call.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kTaskVariable = "ECS_CONTAINER_METADATA_URI_V4";
constexpr const char* kInstancePath = "/latest/meta-data/placement/region";
constexpr HttpLimits kLimits{Milliseconds(1000), Milliseconds(2000), Milliseconds(2000), 1 << 20};
constexpr size_t kArnRegion = 3;  // arn:aws:ecs:REGION:ACCOUNT:task/...

/// Source: "Task metadata endpoint version 4", ECS Developer Guide.
Result<std::string> region_of_task(const std::string& url, Transport& transport) {
  HttpRequest request;
  MNP_TRY(request.endpoint, Endpoint::parse(url));
  request.path = "/task";
  MNP_TRY(const HttpResponse response, call_plain(transport, request, kLimits));
  const auto task = nlohmann::json::parse(response.body, nullptr, false);
  const auto arn = task.is_object() ? task.find("TaskARN") : task.end();
  const auto parts = arn != task.end() && arn->is_string() ? split(arn->get<std::string>(), ':')
                                                           : std::vector<std::string>();
  if (response.status == 200 && parts.size() > kArnRegion) return parts[kArnRegion];
  return fail(Code::kIo, fmt::format("{} answers {} without a TaskARN",
                                     request.endpoint.authority(), response.status));
}

Result<std::string> region_of_instance(const Settings& settings,
                                       const std::shared_ptr<Transport>& transport) {
  MNP_TRY(const auto service, InstanceMetadata::open(settings, transport));
  MNP_TRY(const std::string region, service.read(kInstancePath));
  return std::string(trim(region));
}

}  // namespace

Status find_region(Settings& settings, const std::shared_ptr<Transport>& transport) {
  if (!settings.region().empty() || !runs_in_aws(settings)) return {};
  MNP_TRY(const EndpointOptions options, settings.endpoint_options("s3"));
  if (!options.custom.empty()) return {};
  Result<std::string> found = fail(Code::kNotFound, "");
  if (const std::string url = settings.variable(kTaskVariable); !url.empty())
    found = region_of_task(url, *transport);
  if (!found) {
    auto of_instance = region_of_instance(settings, transport);
    if (of_instance || found.error().code == Code::kNotFound) found = std::move(of_instance);
  }
  if (found) settings.set_region(*found);
  if (found || found.error().code == Code::kNotFound) return {};
  return fail(Code::kStore,
              fmt::format("no region: set AWS_REGION; the one around cannot be found: {}",
                          found.error().text));
}

}  // namespace mnp::aws
