#include "http_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "mnp/core/result.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

/// A whole request; "" when the client has gone.
std::string read_request(int fd) {
  std::string text;
  char block[4096];
  for (;;) {
    const size_t end = text.find("\r\n\r\n");
    if (end != std::string::npos) {
      size_t length = 0;
      for (const std::string& line : split(text.substr(0, end), '\n'))
        if (::strncasecmp(line.c_str(), "content-length:", 15) == 0)
          length = static_cast<size_t>(std::atoll(line.c_str() + 15));
      if (text.size() >= end + 4 + length) return text;
    }
    const ssize_t n = ::recv(fd, block, sizeof block, 0);
    if (n <= 0) return "";
    text.append(block, static_cast<size_t>(n));
  }
}

}  // namespace

HttpServer::HttpServer(Answer answer)
    : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  const bool listens = ::bind(listener_.get(), plain, size) == 0 &&
                       ::listen(listener_.get(), 8) == 0 &&
                       ::getsockname(listener_.get(), plain, &size) == 0;
  MNP_ASSERT(listens, "the server of the tests cannot listen");
  port_ = ::ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

std::string HttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void HttpServer::serve() {
  for (;;) {
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    ++connections_;
    serve_connection(client.get());
  }
}

void HttpServer::serve_connection(int fd) {
  for (;;) {
    pollfd waits[2] = {{fd, POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[0].revents == 0) return;  // another client, or the end
    const std::string request = read_request(fd);
    if (request.empty()) return;
    const std::string text = answer_(request);
    if (text.empty() || ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
    const size_t head = text.find("\r\n\r\n");
    const size_t length = text.find("Content-Length: ");
    const bool whole =
        head != std::string::npos && length < head &&
        text.size() >= head + 4 + static_cast<size_t>(std::atoll(text.c_str() + length + 16));
    if (!whole || text.find("Connection: close") < head) return;
  }
}

std::string http_answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Said\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
         body;
}

}  // namespace mnp::aws
