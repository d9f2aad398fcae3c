#include "aws/curl_transport.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "http_server.hpp"
#include "memory_body.hpp"

namespace mnp::aws {
namespace {

HttpRequest request_to(const HttpServer& server, const std::string& path = "/") {
  HttpRequest request;
  request.endpoint = *Endpoint::parse(server.url());
  request.path = path;
  return request;
}

TEST(CurlTransport, SendsWhatIsSaidAndNothingElse) {
  std::string seen;
  HttpServer server([&](const std::string& text) {
    seen = text;
    return http_answer(201, "made", "X-One: 1\r\nX-Two:  two \r\n");
  });
  CurlTransport transport;
  HttpRequest request = request_to(server, "/a%20b//c/../d");
  request.method = "PUT";
  request.query = {{"uploads", ""}, {"k", "v +"}};
  request.headers = {{"X-Amz-Date", "now"}, {"Empty", ""}};
  request.body = "body";
  const auto response = transport.send(request, {}, nullptr);
  ASSERT_TRUE(response) << response.error().text;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "made");
  EXPECT_EQ(header(response->headers, "x-one"), "1");
  EXPECT_EQ(header(response->headers, "X-TWO"), "two");
  EXPECT_EQ(seen, "PUT /a%20b//c/../d?uploads=&k=v%20%2B HTTP/1.1\r\nHost: " +
                      request.endpoint.authority() +
                      "\r\nAccept: */*\r\nX-Amz-Date: now\r\nEmpty:\r\nContent-Length: 4\r\n\r\n"
                      "body");
}

TEST(CurlTransport, ABodyIsReadWhileItIsSent) {
  std::string seen;
  HttpServer server([&](const std::string& text) {
    seen = text;
    return http_answer(200, "");
  });
  CurlTransport transport;
  const std::string bytes(1 << 20, 'b');
  for (const std::string& body : {bytes, std::string()}) {
    TextSource source(body);
    HttpRequest request = request_to(server);
    request.method = "PUT";
    request.source = &source;
    ASSERT_TRUE(transport.send(request, {}, nullptr));
    const std::string head = "PUT / HTTP/1.1\r\nHost: " + request.endpoint.authority() +
                             "\r\nAccept: */*\r\nContent-Length: " + std::to_string(body.size());
    EXPECT_TRUE(seen == head + "\r\n\r\n" + body) << seen.substr(0, 200);
  }
}

TEST(CurlTransport, ASourceThatFailsEndsTheRequest) {
  HttpServer server([](const std::string&) { return http_answer(200, ""); });
  TextSource source(std::string(1 << 20, 'b'));
  source.fails_from = 1 << 19;
  HttpRequest request = request_to(server);
  request.method = "PUT";
  request.source = &source;
  const auto response = CurlTransport().send(request, {}, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kStopped);
}

TEST(CurlTransport, AConnectionThatWasClosedMeanwhileHasTheBodySentOnceMore) {
  std::string seen;
  int calls = 0;
  HttpServer server([&](const std::string& text) {
    seen = text;
    return ++calls == 2 ? "" : http_answer(200, "");
  });
  CurlTransport transport;
  ASSERT_TRUE(transport.send(request_to(server), {}, nullptr));
  TextSource source(std::string(1 << 20, 'b'));
  HttpRequest request = request_to(server);
  request.method = "PUT";
  request.source = &source;
  const auto response = transport.send(request, {}, nullptr);
  ASSERT_TRUE(response) << response.error().text;
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(seen.size() - seen.find("\r\n\r\n") - 4, source.size());
}

TEST(CurlTransport, WhatMayBeDoneOnceIsNotSentAgainByAnotherConnection) {
  std::atomic<int> calls = 0;
  HttpServer server([&](const std::string&) { return ++calls == 2 ? "" : http_answer(200, ""); });
  CurlTransport transport;
  ASSERT_TRUE(transport.send(request_to(server), {}, nullptr));
  HttpRequest request = request_to(server);
  request.method = "POST";
  request.body = "submit";
  request.once = true;
  EXPECT_FALSE(transport.send(request, {}, nullptr));
  EXPECT_EQ(calls, 2);
}

TEST(CurlTransport, ABodyIsTakenWhileItArrives) {
  int status = 206;
  HttpServer server(
      [&](const std::string&) { return http_answer(status, std::string(2000, 'x')); });
  CurlTransport transport;
  TextSink sink;
  HttpRequest request = request_to(server);
  request.sink = &sink;
  auto response = transport.send(request, {}, nullptr);
  ASSERT_TRUE(response) << response.error().text;
  EXPECT_EQ(response->sunk, 2000U);
  EXPECT_EQ(sink.text, std::string(2000, 'x'));
  EXPECT_EQ(response->body, "");
  status = 404;
  response = transport.send(request, {}, nullptr);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body.size(), 2000U) << "no object: the error's own words";
  EXPECT_EQ(sink.begun, 1);
  status = 200;
  HttpLimits limits;
  limits.body = 1999;
  response = transport.send(request, limits, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kProtocol);
  sink.most = 1999;
  response = transport.send(request, {}, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kStopped);
}

TEST(CurlTransport, EveryMethodHasItsForm) {
  std::string seen;
  HttpServer server([&](const std::string& text) {
    seen = text.substr(0, text.find(' '));
    if (text.find("Content-Length: 0") != std::string::npos) seen += " 0";
    return seen == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n" : http_answer(204, "");
  });
  CurlTransport transport;
  for (const char* method : {"GET", "PUT", "POST", "DELETE", "HEAD", "GET"}) {
    HttpRequest request = request_to(server);
    request.method = method;
    const auto response = transport.send(request, {}, nullptr);
    ASSERT_TRUE(response) << method << ": " << response.error().text;
    const bool sends = std::string(method) == "PUT" || std::string(method) == "POST";
    EXPECT_EQ(seen, std::string(method) + (sends ? " 0" : ""));
    if (std::string(method) == "HEAD") {
      EXPECT_EQ(header(response->headers, "content-length"), "77");
    }
  }
}

TEST(CurlTransport, RedirectsAreAnswersLikeOthers) {
  HttpServer server(
      [](const std::string&) { return http_answer(301, "", "Location: http://127.0.0.1:1/\r\n"); });
  const auto response = CurlTransport().send(request_to(server), {}, nullptr);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 301);
}

TEST(CurlTransport, LessThanAnnouncedIsAnError) {
  HttpServer server([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const auto response = CurlTransport().send(request_to(server), {}, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kIo);
  EXPECT_NE(response.error().text.find("127.0.0.1:"), std::string::npos);
}

TEST(CurlTransport, MoreThanAllowedIsCutOff) {
  HttpServer server([](const std::string&) { return http_answer(200, std::string(2000, 'x')); });
  HttpLimits limits;
  limits.body = 1999;
  const auto response = CurlTransport().send(request_to(server), limits, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kProtocol);
}

TEST(CurlTransport, SilenceEndsAtTheLimit) {
  HttpServer server([](const std::string&) {
    std::this_thread::sleep_for(Milliseconds(1500));
    return std::string();
  });
  HttpLimits limits;
  limits.whole = Milliseconds(300);
  const auto response = CurlTransport().send(request_to(server), limits, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kTimeout);
}

TEST(CurlTransport, ASilentServerIsProbed) {
  std::string url;
  bool probed = false;
  HttpServer server([&](const std::string&) {
    const auto port = std::stoul(url.substr(url.rfind(':') + 1));
    // Connected, nothing under way, and the timer of keepalive runs: proc(5), "net/tcp".
    const std::string row = fmt::format("0100007F:{:04X} 01 00000000:00000000 02:", port);
    for (int i = 0; i < 500 && !probed; ++i) {
      std::ifstream table("/proc/net/tcp");
      const std::string text(std::istreambuf_iterator<char>(table), {});
      probed = text.find(row) != std::string::npos;
      if (!probed) std::this_thread::sleep_for(Milliseconds(10));
    }
    return http_answer(200, "");
  });
  url = server.url();
  ASSERT_TRUE(CurlTransport().send(request_to(server), {}, nullptr));
  EXPECT_TRUE(probed);
}

TEST(CurlTransport, NobodyThereIsAnError) {
  std::string url;
  {
    HttpServer server([](const std::string&) { return std::string(); });
    url = server.url();
  }
  HttpRequest request;
  request.endpoint = *Endpoint::parse(url);
  const auto response = CurlTransport().send(request, {}, nullptr);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kClosed);
}

TEST(CurlTransport, IsCancelledFromAnotherThread) {
  std::atomic<bool> cancel{false}, returned{false};
  HttpServer server([&](const std::string&) {
    const TimePoint deadline = Clock::now() + std::chrono::seconds(60);
    while (!returned && Clock::now() < deadline) std::this_thread::sleep_for(Milliseconds(10));
    return std::string();
  });
  std::thread other([&] {
    std::this_thread::sleep_for(Milliseconds(100));
    cancel = true;
  });
  const auto response = CurlTransport().send(request_to(server), {}, &cancel);
  returned = true;
  other.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kStopped);
}

TEST(CurlTransport, ConnectionsAreUsedAgain) {
  HttpServer server([](const std::string&) { return http_answer(200, "x"); });
  CurlTransport transport;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(transport.send(request_to(server), {}, nullptr));
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace mnp::aws
