#include "aws/instance_metadata.hpp"

#include <strings.h>

#include <fmt/format.h>

#include "aws/plain_call.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kTokenLife = "21600";  // seconds; the most there is
constexpr const char* kMaker = "Amazon EC2";
constexpr size_t kMaxMaker = 4096;
constexpr HttpLimits kLimits{Milliseconds(1000), Milliseconds(2000), Milliseconds(2000), 64 << 10};
constexpr int kTries = 3;

bool is_mode(const std::string& text, const char* mode) {
  return ::strcasecmp(text.c_str(), mode) == 0;
}

}  // namespace

Result<std::string> instance_metadata_url(const Settings& settings) {
  const std::string url =
      settings.value("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  if (!url.empty()) {
    MNP_TRY(const Endpoint endpoint, Endpoint::parse(url));
    return endpoint.text();
  }
  const std::string mode = settings.value("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                          "ec2_metadata_service_endpoint_mode");
  if (mode.empty() || is_mode(mode, "ipv4")) return "http://169.254.169.254";
  if (is_mode(mode, "ipv6")) return "http://[fd00:ec2::254]";
  return fail(Code::kConfig,
              fmt::format("`{}` is not a valid endpoint mode; IPv4 and IPv6 are", mode));
}

bool runs_in_aws(const Settings& settings, const fs::path& maker) {
  for (const char* name :
       {"ECS_CONTAINER_METADATA_URI_V4", "AWS_EXECUTION_ENV", "AWS_EC2_METADATA_SERVICE_ENDPOINT"})
    if (!settings.variable(name).empty()) return true;
  return trim(read_file(maker, kMaxMaker).value_or("")) == kMaker;
}

Result<InstanceMetadata> InstanceMetadata::open(const Settings& settings,
                                                std::shared_ptr<Transport> transport) {
  MNP_TRY(const bool disabled, settings.flag("AWS_EC2_METADATA_DISABLED", "ec2_metadata_disabled"));
  if (disabled) return fail(Code::kNotFound, "AWS_EC2_METADATA_DISABLED is set");
  MNP_TRY(const std::string url, instance_metadata_url(settings));
  InstanceMetadata service;
  service.transport_ = std::move(transport);
  const bool expected = runs_in_aws(settings);
  service.tries_ = expected ? kTries : 1;
  MNP_TRY(service.endpoint_, Endpoint::parse(url));
  HttpRequest ask;
  ask.endpoint = service.endpoint_;
  ask.method = "PUT";
  ask.path = "/latest/api/token";
  ask.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", kTokenLife}};
  auto token = service.send(ask);
  if (!token) {
    const bool absent = !expected || token.error().code == Code::kClosed;
    return fail(absent ? Code::kNotFound : token.error().code,
                "no metadata service: " + token.error().text);
  }
  if (token->status != 200)
    return fail(Code::kNotFound,
                fmt::format("the metadata service gives no token: {}", token->status));
  service.token_ = std::move(token->body);
  return service;
}

Result<std::string> InstanceMetadata::read(const std::string& path) const {
  HttpRequest request;
  request.endpoint = endpoint_;
  request.path = path;
  request.headers = {{"X-aws-ec2-metadata-token", token_}};
  MNP_TRY(HttpResponse response, send(request));
  if (response.status == 404)
    return fail(Code::kNotFound, fmt::format("the metadata service has no {}", path));
  if (response.status != 200)
    return fail(Code::kDenied, fmt::format("the metadata service answers {}", response.status));
  return std::move(response.body);
}

Result<HttpResponse> InstanceMetadata::send(const HttpRequest& request) const {
  return call_plain(*transport_, request, kLimits, tries_);
}

}  // namespace mnp::aws
