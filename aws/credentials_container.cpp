#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/credentials_sources.hpp"
#include "aws/plain_call.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kEcs = "http://169.254.170.2";
constexpr const char* kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr const char* kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr HttpLimits kLimits{Milliseconds(2000), Milliseconds(5000), Milliseconds(5000), 64 << 10};
constexpr size_t kMaxToken = 64 << 10;

/// Without TLS only this machine, and the addresses of ECS and EKS, are told a token.
bool may_be_plain(const std::string& host) {
  return host == "localhost" || starts_with(host, "127.") || host == "[::1]" ||
         host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]";
}

/// The part of a URL before its path, and the path with its query.
std::pair<std::string, std::string> cut_url(const std::string& url) {
  const size_t host = url.find("://");
  const size_t path = host == std::string::npos ? 0 : url.find_first_of("/?", host + 3);
  if (path == std::string::npos) return {url, "/"};
  return {url.substr(0, path), url.substr(path)};
}

class Container : public CredentialsProvider {
 public:
  Container(const Settings& settings, std::shared_ptr<Transport> transport)
      : settings_(settings), transport_(std::move(transport)) {}
  Result<Credentials> get() override;

 private:
  Result<std::string> token() const;

  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

/// The file is read each time: EKS renews it.
Result<std::string> Container::token() const {
  const std::string file = settings_.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  std::string token = settings_.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!file.empty()) {
    const auto text = read_file(file, kMaxToken);
    if (!text) return fail(Code::kConfig, "the container's token file " + text.error().text);
    token = std::string(trim(*text));
  }
  if (token.find_first_of("\r\n") != std::string::npos)
    return fail(Code::kConfig, "the container's authorization token has several lines");
  return token;
}

Result<Credentials> Container::get() {
  MNP_TRY(const std::string url, container_credentials_url([this](const std::string& name) {
            return settings_.variable(name);
          }));
  const auto [base, path] = cut_url(url);
  HttpRequest request;
  MNP_TRY(request.endpoint, Endpoint::parse(base));
  request.path = path;
  MNP_TRY(const std::string authorization, token());
  if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
  const auto response = call_plain(*transport_, request, kLimits);
  if (!response) return fail(response.error().within("the container's credentials"));
  if (response->status != 200)
    return fail(Code::kDenied, fmt::format("{} answers {}", base, response->status));
  auto found = credentials_from_json(response->body);
  if (!found) return fail(found.error().within(base));  // the path alone would give them away
  return found;
}

}  // namespace

Result<std::string> container_credentials_url(const Variables& variables) {
  const std::string relative = variables(kRelative);
  if (!relative.empty()) return kEcs + relative;
  const std::string full = variables(kFull);
  if (full.empty())
    return fail(Code::kNotFound,
                "No environment variables were set to configure ECS provider: neither " +
                    std::string(kRelative) + " nor " + kFull);
  if (full.find("://") == std::string::npos)
    return fail(Code::kConfig, fmt::format("{} is '{}': URI did not specify a host", kFull, full));
  MNP_TRY(const Endpoint endpoint, Endpoint::parse(cut_url(full).first));
  if (endpoint.scheme == "http" && !may_be_plain(endpoint.host))
    return fail(Code::kConfig, fmt::format("{} names host {}, which is asked by https only", kFull,
                                           endpoint.host));
  return full;
}

Provider container_credentials(const Settings& settings, std::shared_ptr<Transport> transport) {
  return std::make_shared<Container>(settings, std::move(transport));
}

}  // namespace mnp::aws
