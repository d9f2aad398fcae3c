// The one interface to the network: a request goes out, a response comes back.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/uri.hpp"
#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp::aws {

/// Names in any case, in the order in which they are sent.
using Headers = std::vector<std::pair<std::string, std::string>>;
/// The first header of this name, in any case; "" where there is none.
std::string header(const Headers& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  Endpoint endpoint;
  std::string path = "/";  // as on the wire: percent-encoded; below the endpoint's own
  Query query;
  Headers headers;        // without Host and Content-Length
  std::string_view body;  // must live until the request has been answered

  /// The whole path on the wire.
  std::string wire_path() const { return endpoint.path + path; }
  std::string url() const;
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

struct HttpLimits {
  Milliseconds connect{10000};
  Milliseconds whole{60000};           // for the request and its response
  Milliseconds stall{20000};           // without a single byte
  uint64_t body = uint64_t{64} << 20;  // bytes of the response's
};

/// All calls may be made from any thread.
class Transport {
 public:
  virtual ~Transport() = default;
  /// A response of any status. No redirect is followed. kTimeout: a limit has passed. kClosed:
  /// nobody is there: refused, or no way. kIo: nothing came back, or less than announced.
  /// kProtocol: more than may come. kStopped: `cancel` is set.
  virtual Result<HttpResponse> send(const HttpRequest& request, const HttpLimits& limits,
                                    const std::atomic<bool>* cancel) = 0;
};

}  // namespace mnp::aws
