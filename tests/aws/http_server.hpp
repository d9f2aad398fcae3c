// A server of the tests on loopback that answers each request with what it is told, byte by byte.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "mnp/core/fd.hpp"

namespace mnp::aws {

/// One connection at a time; what `answer` returns is sent as it is. An answer that ends without
/// the length that it announces ends the connection; so does one with "Connection: close".
class HttpServer {
 public:
  using Answer = std::function<std::string(const std::string& request)>;
  explicit HttpServer(Answer answer);
  ~HttpServer();
  std::string url() const;
  int connections() const { return connections_; }

 private:
  void serve();
  void serve_connection(int fd);

  Answer answer_;
  Fd listener_;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

/// "HTTP/1.1 200 OK", a length and the body.
std::string http_answer(int status, const std::string& body, const std::string& headers = "");

}  // namespace mnp::aws
