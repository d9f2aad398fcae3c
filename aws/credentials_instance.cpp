#include <strings.h>

#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/credentials_sources.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kTokenLife = "21600";  // seconds; the most there is
constexpr const char* kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr HttpLimits kLimits{Milliseconds(1000), Milliseconds(2000), Milliseconds(2000), 64 << 10};
constexpr int kTries = 2;

class Instance : public CredentialsProvider {
 public:
  Instance(const Settings& settings, std::shared_ptr<Transport> transport)
      : settings_(settings), transport_(std::move(transport)) {}
  Result<Credentials> get() override;

 private:
  Result<HttpResponse> send(const HttpRequest& request);
  Result<std::string> read(const Endpoint& endpoint, const std::string& token,
                           const std::string& path);

  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

Result<HttpResponse> Instance::send(const HttpRequest& request) {
  for (int i = 1;; ++i) {
    auto response = transport_->send(request, kLimits, nullptr);
    if (i >= kTries || (response && response->status < 500)) return response;
  }
}

Result<std::string> Instance::read(const Endpoint& endpoint, const std::string& token,
                                   const std::string& path) {
  HttpRequest request;
  request.endpoint = endpoint;
  request.path = path;
  request.headers = {{"X-aws-ec2-metadata-token", token}};
  MNP_TRY(HttpResponse response, send(request));
  if (response.status == 404) return fail(Code::kNotFound, "this instance has no role");
  if (response.status != 200)
    return fail(Code::kDenied, fmt::format("the metadata service answers {}", response.status));
  return std::move(response.body);
}

Result<Credentials> Instance::get() {
  MNP_TRY(const bool disabled,
          settings_.flag("AWS_EC2_METADATA_DISABLED", "ec2_metadata_disabled"));
  if (disabled) return fail(Code::kNotFound, "AWS_EC2_METADATA_DISABLED is set");
  MNP_TRY(const std::string url, instance_metadata_url(settings_));
  HttpRequest ask;
  MNP_TRY(ask.endpoint, Endpoint::parse(url));
  ask.method = "PUT";
  ask.path = "/latest/api/token";
  ask.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", kTokenLife}};
  const auto token = send(ask);
  if (!token) return fail(Code::kNotFound, "no metadata service: " + token.error().text);
  if (token->status != 200)
    return fail(Code::kNotFound,
                fmt::format("the metadata service gives no token: {}", token->status));
  MNP_TRY(const std::string roles, read(ask.endpoint, token->body, kRolePath));
  const std::string role(trim(split(roles, '\n').front()));
  if (role.empty()) return fail(Code::kNotFound, "this instance has no role");
  MNP_TRY(const std::string text,
          read(ask.endpoint, token->body, kRolePath + percent_encode_path(role)));
  auto found = credentials_from_json(text);
  if (!found) return fail(found.error().within("the metadata service"));
  return found;
}

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

Provider instance_credentials(const Settings& settings, std::shared_ptr<Transport> transport) {
  return std::make_shared<Instance>(settings, std::move(transport));
}

}  // namespace mnp::aws
