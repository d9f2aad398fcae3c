#include "aws/client.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <thread>

#include <fmt/format.h>

#include "mnp/core/log.hpp"

namespace mnp::aws {
namespace {

constexpr Milliseconds kLook{50};           // at `cancel`, while a call waits
constexpr double kSkewSeconds = 60;         // where a service says that the clocks differ
constexpr double kRefusedSeconds = 240;     // where it does not; AWS refuses from 5 minutes on
constexpr int kLongestUrl = 7 * 24 * 3600;  // seconds that a presigned URL may be good for

/// Of new credentials, too.
ApiError still_expired(ApiError error) {
  error.code = Code::kDenied;
  error.text += error.type.empty() ? "; a HEAD gets no reason: have the credentials expired?"
                                   : "; renew the credentials";
  return error;
}

}  // namespace

std::optional<double> http_date(const std::string& text) {
  std::tm utc{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<double>(::timegm(&utc));
}

Client::Client(std::shared_ptr<Transport> transport,
               std::shared_ptr<CredentialsProvider> credentials, ClientOptions options)
    : transport_(std::move(transport)),
      credentials_(std::move(credentials)),
      options_(std::move(options)) {
  if (!options_.wall_clock) options_.wall_clock = wall_seconds;
  if (!options_.random) options_.random = random_share;
  if (!options_.sleep)
    options_.sleep = [](Milliseconds time) { std::this_thread::sleep_for(time); };
}

ApiResult<HttpResponse> Client::try_once(HttpRequest request, const CallOptions& options,
                                         Milliseconds left, Signed& made) {
  request.headers.emplace_back("User-Agent", options_.user_agent);
  request.once = !options.may_repeat;
  if (credentials_ != nullptr) {
    auto credentials = credentials_->get();
    if (!credentials) return fail(as_api_error(std::move(credentials).error()));
    made = {std::move(*credentials), now()};
    sign(request, made.credentials, options_.rules, made.time);
  }
  HttpLimits limits = options.limits;
  limits.whole = std::min(limits.whole, left);
  auto response = transport_->send(request, limits, options.cancel);
  if (!response) return fail(as_api_error(std::move(response).error()));
  const bool good = response->status >= 200 && response->status < 300;
  if (!good || (options.error_in_200 && is_error_document(*response)))
    return fail(api_error(*response));
  return std::move(*response);
}

/// False: the server's clock and the one that signed differ by less than `least` seconds. What
/// counts is the time by which this try was signed: another thread may have corrected the clock
/// since.
bool Client::correct_clock(const std::string& date, double signed_at, double least) {
  const auto server = http_date(date);
  if (!server || std::abs(*server - signed_at) < least) return false;
  const double offset = *server - options_.wall_clock();
  if (std::abs(clock_offset_.exchange(offset) - offset) >= kSkewSeconds)
    log::warning("this machine's clock differs from the service's by {} s; the service's counts",
                 std::lround(offset));
  return true;
}

/// False: cancelled.
bool Client::wait(Milliseconds time, const std::atomic<bool>* cancel) {
  for (; time.count() > 0; time -= std::min(time, kLook)) {
    if (cancel != nullptr && *cancel) return false;
    options_.sleep(std::min(time, kLook));
  }
  return true;
}

ApiResult<HttpResponse> Client::call(const HttpRequest& request, const CallOptions& options) {
  const TimePoint deadline = Clock::now() + options.deadline;
  bool corrected = false, refreshed = false;
  int taken = 0;
  for (int tries = 1;;) {
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now());
    Signed made;
    auto answer = try_once(request, options, std::max(left, Milliseconds(1)), made);
    if (answer) {
      quota_.succeeded(taken);
      return answer;
    }
    const ApiError& error = answer.error();
    const Retriable kind = retriable(error, request.method);
    if (kind == Retriable::kExpired && credentials_ != nullptr) {
      if (refreshed) return fail(still_expired(error));
      refreshed = true;
      credentials_->expired(made.credentials);
      continue;
    }
    const bool skewed = kind == Retriable::kSkewed || kind == Retriable::kMaySkew;
    if (skewed && credentials_ != nullptr && !std::exchange(corrected, true) &&
        correct_clock(error.date, made.time,
                      kind == Retriable::kSkewed ? kSkewSeconds : kRefusedSeconds))
      continue;
    const bool again =
        kind == Retriable::kThrottled || (kind == Retriable::kTransient && options.may_repeat);
    if (!again || tries >= options_.attempts) return answer;
    const Milliseconds delay = retry_delay(tries, options_.random());
    if (Clock::now() + delay >= deadline) return answer;
    taken = quota_.take(error.code == Code::kTimeout);
    if (taken == 0) return answer;
    log::debug("{}; again in {} ms", error.text, delay.count());
    if (!wait(delay, options.cancel)) return answer;
    ++tries;
  }
}

Result<std::string> Client::presigned(HttpRequest request, int expires_in) {
  MNP_ASSERT(credentials_ != nullptr, "nobody to sign a URL");
  if (expires_in < 1 || expires_in > kLongestUrl)
    return fail(Code::kConfig, fmt::format("a URL that is good for {} s; 1 to {} s are allowed",
                                           expires_in, kLongestUrl));
  MNP_TRY(const Credentials credentials, credentials_->get());
  presign(request, credentials, options_.rules, now(), expires_in, kUnsignedPayload);
  return request.url();
}

}  // namespace mnp::aws
