#include "aws/plain_call.hpp"

#include <thread>

#include <fmt/format.h>

#include "aws/retry.hpp"

namespace mnp::aws {
namespace {

constexpr int kFaster = 4;  // times than a service far away is asked again

}  // namespace

Result<HttpResponse> call_plain(Transport& transport, const HttpRequest& request,
                                const HttpLimits& limits, int tries) {
  for (int i = 1;; ++i) {
    auto response = transport.send(request, limits, nullptr);
    const ApiError error = response ? api_error(*response) : as_api_error(response.error());
    const bool good = response && response->status < 300;
    const Retriable kind = good ? Retriable::kNo : retriable(error, request.method);
    if (kind != Retriable::kTransient && kind != Retriable::kThrottled) return response;
    if (i >= tries) {
      if (!response) return response;
      return fail(Code::kIo, fmt::format("{}: {}", request.endpoint.authority(), error.text));
    }
    std::this_thread::sleep_for(retry_delay(i, random_share()) / kFaster);
  }
}

}  // namespace mnp::aws
