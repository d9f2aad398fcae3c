#include "aws/client.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "fake_transport.hpp"

namespace mnp::aws {
namespace {

class OneKey : public CredentialsProvider {
 public:
  Result<Credentials> get() override {
    if (missing) return fail(Code::kConfig, "no credentials");
    return Credentials{"AKID" + std::to_string(number), "secret", "", "", {}};
  }
  void expired(const Credentials& credentials) override {
    refused.push_back(credentials.access_key);
    ++number;
  }
  int number = 1;
  bool missing = false;
  std::vector<std::string> refused;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    ClientOptions world;
    world.rules = {"us-east-1", "batch", true, true, false};
    world.wall_clock = [this] { return wall; };
    world.random = [] { return 0.5; };
    world.sleep = [this](Milliseconds time) { slept += time; };
    client = std::make_unique<Client>(transport, keys, world);
    request.endpoint = *Endpoint::parse("https://batch.us-east-1.amazonaws.com");
    request.method = "POST";
    request.path = "/v1/listjobs";
    request.body = "{}";
  }
  ApiResult<HttpResponse> call() { return client->call(request, options); }

  std::shared_ptr<FakeTransport> transport = std::make_shared<FakeTransport>();
  std::shared_ptr<OneKey> keys = std::make_shared<OneKey>();
  double wall = 1440938160;
  Milliseconds slept{0};
  std::unique_ptr<Client> client;
  HttpRequest request;
  CallOptions options;
};

TEST_F(ClientTest, SignsAndReturnsWhatComes) {
  transport->say(200, "{\"a\":1}");
  const auto answer = call();
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->body, "{\"a\":1}");
  ASSERT_EQ(transport->requests.size(), 1U);
  const Headers& sent = transport->requests[0].headers;
  EXPECT_EQ(header(sent, "X-Amz-Date"), "20150830T123600Z");
  EXPECT_NE(header(sent, "Authorization").find("AKID1/20150830/us-east-1/batch/"),
            std::string::npos);
  EXPECT_EQ(header(sent, "User-Agent"), "mnp");
}

TEST_F(ClientTest, TriesThriceAndSignsEachTimeAnew) {
  transport->say(503, "<Error><Code>SlowDown</Code></Error>");
  transport->break_off();
  transport->say(200, "x");
  ASSERT_TRUE(call());
  EXPECT_EQ(transport->requests.size(), 3U);
  EXPECT_EQ(slept, Milliseconds(1500));
  for (const HttpRequest& sent : transport->requests) EXPECT_EQ(sent.headers.size(), 3U);
}

TEST_F(ClientTest, GivesUpWithTheLastAnswer) {
  for (int i = 0; i < 4; ++i) transport->say(500, "{\"message\":\"no\"}");
  const auto answer = call();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text, "500: no");
  EXPECT_EQ(transport->requests.size(), 3U);
}

TEST_F(ClientTest, WhatIsRefusedIsNotTriedAgain) {
  transport->say(400, R"({"__type":"ClientException"})");
  EXPECT_FALSE(call());
  EXPECT_EQ(transport->requests.size(), 1U);
}

TEST_F(ClientTest, WhatMayHaveBeenDoneIsNotRepeated) {
  options.may_repeat = false;
  transport->break_off(Code::kTimeout);
  EXPECT_FALSE(call());
  EXPECT_EQ(transport->requests.size(), 1U);
  transport->say(429);  // surely not done
  transport->say(200);
  EXPECT_TRUE(call());
}

TEST_F(ClientTest, TakesTheServersClockOnce) {
  const Headers date = {{"Date", "Sun, 30 Aug 2015 13:36:00 GMT"}};
  transport->say(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", date);
  transport->say(200);
  ASSERT_TRUE(call());
  EXPECT_EQ(slept, Milliseconds(0));
  EXPECT_EQ(header(transport->requests[1].headers, "X-Amz-Date"), "20150830T133600Z");
  transport->say(200);
  ASSERT_TRUE(call());
  EXPECT_EQ(header(transport->requests[2].headers, "X-Amz-Date"), "20150830T133600Z");
  transport->say(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", date);
  EXPECT_FALSE(call());  // the clocks agree: it means something else
}

/// Answers no request that is signed by the wrong clock before all threads have sent one.
class StrictServer : public Transport {
 public:
  explicit StrictServer(int threads) : all_have_sent_(threads) {}
  Result<HttpResponse> send(const HttpRequest& request, const HttpLimits&,
                            const std::atomic<bool>*) override {
    if (header(request.headers, "X-Amz-Date") == "20150830T133600Z")
      return HttpResponse{200, {}, ""};
    all_have_sent_.arrive_and_wait();
    return HttpResponse{403,
                        {{"Date", "Sun, 30 Aug 2015 13:36:00 GMT"}},
                        "<Error><Code>RequestTimeTooSkewed</Code></Error>"};
  }

 private:
  std::latch all_have_sent_;
};

TEST_F(ClientTest, EveryThreadTakesTheServersClock) {
  constexpr int kThreads = 16;
  ClientOptions world;
  world.wall_clock = [this] { return wall; };
  Client shared(std::make_shared<StrictServer>(kThreads), std::make_shared<OneKey>(), world);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] { good += shared.call(request, options) ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads);
}

TEST_F(ClientTest, WhereAWrongClockIsNotNamedTheDateTells) {
  const Headers an_hour_off = {{"Date", "Sun, 30 Aug 2015 13:36:00 GMT"}};
  const Headers now_there = {{"Date", "Sun, 30 Aug 2015 13:39:00 GMT"}};
  const auto tries = [&](const char* method, int status, const char* body, const Headers& date) {
    request.method = method;
    transport->say(status, body, date);
    transport->say(200);
    const bool good = call().has_value();
    const size_t made = 2 - transport->answers.size();
    EXPECT_EQ(good, made == 2);
    transport->answers.clear();
    return made;
  };
  const char* const batch = R"({"__type":"InvalidSignatureException"})";
  EXPECT_EQ(tries("HEAD", 403, "", {}), 1U);
  EXPECT_EQ(tries("GET", 403, "", an_hour_off), 1U);
  EXPECT_EQ(tries("HEAD", 403, "", an_hour_off), 2U);
  EXPECT_EQ(tries("HEAD", 403, "", now_there), 1U) << "3 min explain nothing";
  EXPECT_EQ(tries("POST", 400, batch, now_there), 1U);
  wall += 1200;
  EXPECT_EQ(tries("POST", 400, batch, an_hour_off), 2U);
  wall += 1200;
  EXPECT_EQ(
      tries("POST", 403,
            "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>",
            an_hour_off),
      2U);
}

TEST_F(ClientTest, ARefusedHeadMayMeanExpiredCredentials) {
  request.method = "HEAD";
  transport->say(400);
  transport->say(400);
  const auto refused = call();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied);
  EXPECT_EQ(keys->refused, std::vector<std::string>{"AKID1"});
  transport->say(400);
  transport->say(200);
  EXPECT_TRUE(call());
}

TEST_F(ClientTest, AsksForFreshCredentialsOnce) {
  transport->say(400, "<Error><Code>ExpiredToken</Code></Error>");
  transport->say(400, "<Error><Code>ExpiredToken</Code></Error>");
  const auto answer = call();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().type, "ExpiredToken");
  EXPECT_EQ(answer.error().code, Code::kDenied);
  EXPECT_NE(answer.error().text.find("renew the credentials"), std::string::npos);
  EXPECT_EQ(keys->refused, std::vector<std::string>{"AKID1"});
  EXPECT_NE(header(transport->requests[1].headers, "Authorization").find("AKID2/"),
            std::string::npos);
}

TEST_F(ClientTest, AnErrorWithStatus200IsOneWhereItMayBe) {
  transport->say(200, "<Error><Code>InternalError</Code></Error>");
  transport->say(200, "<Done/>");
  options.error_in_200 = true;
  ASSERT_TRUE(call());
  EXPECT_EQ(transport->requests.size(), 2U);
}

TEST_F(ClientTest, ADeadlineEndsTries) {
  options.deadline = Milliseconds(300);
  transport->say(500);
  transport->say(200);
  EXPECT_FALSE(call());
  EXPECT_EQ(transport->requests.size(), 1U);
  EXPECT_LE(transport->last_limits.whole, Milliseconds(300));
}

TEST_F(ClientTest, ACancelledCallEnds) {
  std::atomic<bool> cancel{true};
  options.cancel = &cancel;
  transport->say(500);
  transport->say(200);
  EXPECT_FALSE(call());
  EXPECT_EQ(slept, Milliseconds(0));
}

TEST_F(ClientTest, WithoutCredentialsNothingIsSent) {
  keys->missing = true;
  const auto answer = call();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kConfig);
  EXPECT_TRUE(transport->requests.empty());
}

TEST_F(ClientTest, AUrlIsGoodForASecondToAWeek) {
  for (const int seconds : {-1, 0, 604801}) {
    const auto url = client->presigned(request, seconds);
    ASSERT_FALSE(url) << *url;
    EXPECT_EQ(url.error().code, Code::kConfig);
    EXPECT_NE(url.error().text.find("604800"), std::string::npos);
  }
  EXPECT_TRUE(client->presigned(request, 604800));
  EXPECT_TRUE(client->presigned(request, 1));
}

TEST_F(ClientTest, WhenMostCallsFailFewAreMadeAgain) {
  int sent = 0;
  for (int calls = 0; calls < 100; ++calls) {
    for (int i = 0; i < 3; ++i) transport->say(500);
    transport->requests.clear();
    EXPECT_FALSE(call());
    sent += static_cast<int>(transport->requests.size());
    transport->answers.clear();
  }
  EXPECT_EQ(sent, 100 + RetryQuota::kCapacity / 5);
}

TEST(HttpDate, IsThatOfTheStandard) {
  EXPECT_EQ(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_FALSE(http_date("06 Nov 1994"));
  EXPECT_FALSE(http_date(""));
}

}  // namespace
}  // namespace mnp::aws
