// A call that nobody signs, to what hands out credentials or knows this machine: made again where
// that may help. Such services are restarted, and throttle when many containers start at once.
#pragma once

#include "aws/http.hpp"

namespace mnp::aws {

/// A response, or why none came after `tries`: kIo for 429 and 5xx, otherwise as of Transport.
Result<HttpResponse> call_plain(Transport& transport, const HttpRequest& request,
                                const HttpLimits& limits, int tries = 3);

}  // namespace mnp::aws
