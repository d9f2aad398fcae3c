#include "aws/logs.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fake_service.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

class LogsTest : public FakeService {
 protected:
  LogsTest() : FakeService("logs") {}
  LogsClient logs{service};
};

TEST_F(LogsTest, ReadsAPageAndWhereTheNextBegins) {
  transport->say(200, R"({"events": [{"timestamp": 1500, "message": "a"},
                                     {"timestamp": 2500, "message": "b"}],
                          "nextForwardToken": "f/1", "nextBackwardToken": "b/1"})");
  const auto page = logs.read("/mnp", "tomo/default/1", "", 1.25);
  ASSERT_TRUE(page) << page.error().text;
  ASSERT_EQ(page->events.size(), 2U);
  EXPECT_EQ(page->events[1].time, 2.5);
  EXPECT_EQ(page->events[1].message, "b");
  EXPECT_EQ(page->next, "f/1");
  EXPECT_EQ(header(transport->requests[0].headers, "X-Amz-Target"), "Logs_20140328.GetLogEvents");
  EXPECT_EQ(header(transport->requests[0].headers, "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(json::parse(transport->bodies[0]),
            json::parse(R"({"logGroupName": "/mnp", "logStreamName": "tomo/default/1",
                            "startFromHead": true, "startTime": 1250})"));
}

TEST_F(LogsTest, TheEndIsAPageThatLeadsToItself) {
  transport->say(200, R"({"events": [{"timestamp": 1, "message": "a"}], "nextForwardToken": "1"})");
  transport->say(200, R"({"events": [], "nextForwardToken": "2"})");  // AWS may send one in between
  transport->say(200, R"({"events": [{"timestamp": 2, "message": "b"}], "nextForwardToken": "3"})");
  transport->say(200, R"({"events": [], "nextForwardToken": "3"})");
  const auto events = logs.read_all("g", "s");
  ASSERT_TRUE(events) << events.error().text;
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ(json::parse(transport->bodies[3])["nextToken"], "3");
}

TEST_F(LogsTest, WhatIsNotThereIsNotFound) {
  transport->say(400, R"({"__type": "ResourceNotFoundException", "message": "no such stream"})");
  const auto page = logs.read("g", "s", "");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Code::kNotFound);
  EXPECT_NE(page.error().text.find("no such stream"), std::string::npos);
}

TEST_F(LogsTest, NamesAreCheckedBeforeAnythingIsSent) {
  EXPECT_EQ(logs.read("", "s", "").error().code, Code::kConfig);
  EXPECT_EQ(logs.read("g", std::string(513, 's'), "").error().code, Code::kConfig);
  EXPECT_NE(logs.read("g", "a:b", "").error().text.find("a:b"), std::string::npos);
  EXPECT_TRUE(transport->requests.empty());
}

}  // namespace
}  // namespace mnp::aws
