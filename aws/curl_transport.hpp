// HTTP by libcurl: transport only, nothing of AWS is known here.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aws/http.hpp"

namespace mnp::aws {

/// Connections stay open for the next request to the same host.
class CurlTransport : public Transport {
 public:
  /// `ca_bundle`: a file of certificates in place of the system's; "" for those.
  explicit CurlTransport(std::string ca_bundle = "");
  ~CurlTransport() override;
  Result<HttpResponse> send(const HttpRequest& request, const HttpLimits& limits,
                            const std::atomic<bool>* cancel) override;

 private:
  struct Handle;
  std::unique_ptr<Handle> take();
  void give_back(std::unique_ptr<Handle> handle);

  const std::string ca_bundle_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace mnp::aws
