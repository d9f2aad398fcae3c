// A service of AWS: requests are signed, sent, and sent again where that may help.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/api_error.hpp"
#include "aws/credentials.hpp"
#include "aws/http.hpp"
#include "aws/retry.hpp"
#include "aws/sigv4.hpp"

namespace mnp::aws {

struct CallOptions {
  HttpLimits limits;             // of each try
  Milliseconds deadline{60000};  // for all tries together
  bool may_repeat = true;        // false: not where the service may have done it already
  bool error_in_200 = false;     // S3 may say so of what takes long
  const std::atomic<bool>* cancel = nullptr;
};

struct ClientOptions {
  SigningRules rules;
  int attempts = 3;
  std::string user_agent = "mnp";
  // The world; tests have their own.
  std::function<double()> wall_clock;  // seconds since 1970
  std::function<double()> random;      // in [0, 1)
  std::function<void(Milliseconds)> sleep;
};

/// All calls may be made from any thread.
class Client {
 public:
  /// Without `credentials` requests are not signed.
  Client(std::shared_ptr<Transport> transport, std::shared_ptr<CredentialsProvider> credentials,
         ClientOptions options);

  /// A response of a status below 300. `request` has neither date nor signature.
  ApiResult<HttpResponse> call(const HttpRequest& request, const CallOptions& options);
  /// A URL by which anybody may send the request for so many seconds, at most 7 days.
  Result<std::string> presigned(HttpRequest request, int expires_in);

  const SigningRules& rules() const { return options_.rules; }

 private:
  /// By whom and when a try was signed.
  struct Signed {
    Credentials credentials;
    double time = 0;  // seconds since 1970
  };
  ApiResult<HttpResponse> try_once(HttpRequest request, const CallOptions& options,
                                   Milliseconds left, Signed& made);
  bool correct_clock(const std::string& date, double signed_at, double least);
  bool wait(Milliseconds time, const std::atomic<bool>* cancel);
  double now() const { return options_.wall_clock() + clock_offset_; }

  std::shared_ptr<Transport> transport_;
  std::shared_ptr<CredentialsProvider> credentials_;
  ClientOptions options_;
  RetryQuota quota_;
  std::atomic<double> clock_offset_{0};  // seconds: the server's clock less ours
};

/// Seconds since 1970 of an HTTP date (RFC 9110, section 5.6.7); nothing where it is none.
std::optional<double> http_date(const std::string& text);

}  // namespace mnp::aws
