// The one interface to the network: a request goes out, a response comes back.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
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

/// A body that is read while it is sent: again for each try, and before it where it is signed.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual uint64_t size() const = 0;
  /// Fills `into` from byte `first` on: where the last call ended, or 0. False: no more can be
  /// read.
  virtual bool read(uint64_t first, std::span<char> into) = 0;
};

/// Takes a body while it arrives.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// What was taken before is of a try that failed.
  virtual void begin() = 0;
  /// False: no more can be taken.
  virtual bool take(std::string_view bytes) = 0;
};

struct HttpRequest {
  std::string method = "GET";
  Endpoint endpoint;
  std::string path = "/";  // as on the wire: percent-encoded; below the endpoint's own
  Query query;
  Headers headers;  // without Host and Content-Length
  // These must live until the request has been answered.
  std::string_view body;
  BodySource* source = nullptr;  // of a PUT's body, in place of `body`
  BodySink* sink = nullptr;      // of the body of a response whose status is below 300
  bool once = false;  // by a connection of its own: one that was kept may close under a request,
                      // and that goes out again then, although it may have been done

  uint64_t body_bytes() const { return source != nullptr ? source->size() : body.size(); }

  /// The whole path on the wire.
  std::string wire_path() const { return endpoint.path + path; }
  std::string url() const;
};

struct HttpResponse {
  int status = 0;
  Headers headers;
  std::string body;
  uint64_t sunk = 0;  // bytes that the request's sink has taken in its place
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
  /// kProtocol: more than may come. kStopped: `cancel` is set, or the
  /// request's source or sink, which know why, give or take no more.
  virtual Result<HttpResponse> send(const HttpRequest& request, const HttpLimits& limits,
                                    const std::atomic<bool>* cancel) = 0;
};

}  // namespace mnp::aws
