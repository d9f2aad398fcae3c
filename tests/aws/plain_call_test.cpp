#include "aws/plain_call.hpp"

#include <gtest/gtest.h>

#include "fake_transport.hpp"

namespace mnp::aws {
namespace {

class PlainCall : public testing::Test {
 protected:
  PlainCall() { request.endpoint = *Endpoint::parse("http://169.254.170.2"); }
  Result<HttpResponse> call(int tries = 3) { return call_plain(transport, request, {}, tries); }

  FakeTransport transport;
  HttpRequest request;
};

TEST_F(PlainCall, IsMadeAgainAfterShortTrouble) {
  transport.say(503);
  transport.say(429);
  transport.say(200, "x");
  EXPECT_EQ(call()->body, "x");
  transport.break_off(Code::kTimeout);
  transport.break_off(Code::kClosed);
  transport.say(200, "y");
  EXPECT_EQ(call()->body, "y");
}

TEST_F(PlainCall, SaysWhyItGivesUp) {
  for (int i = 0; i < 2; ++i) transport.say(503, R"({"message": "busy"})");
  EXPECT_EQ(call(2).error().code, Code::kIo);
  transport.say(503, R"({"message": "busy"})");
  EXPECT_EQ(call(1).error().text, "169.254.170.2: 503: busy");
  transport.break_off(Code::kTimeout);
  EXPECT_EQ(call(1).error().code, Code::kTimeout);
}

TEST_F(PlainCall, WhatIsRefusedIsAnAnswer) {
  for (const int status : {301, 400, 403, 404}) {
    transport.say(status);
    EXPECT_EQ(call()->status, status);
  }
  transport.break_off(Code::kProtocol);
  EXPECT_EQ(call().error().code, Code::kProtocol);
  EXPECT_EQ(transport.requests.size(), 5U);
}

}  // namespace
}  // namespace mnp::aws
