#include "aws/json_call.hpp"

#include "fake_service.hpp"

namespace mnp::aws {
namespace {

class JsonCall : public FakeService {
 protected:
  JsonCall() : FakeService("batch") {}
  ApiResult<Json> call() { return call_json(service, "batch: Do", "/v1/do", "", R"({"a":1})"); }
};

TEST_F(JsonCall, SendsAndReads) {
  transport->say(200, R"({"b": 2})");
  const auto answer = call();
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(number_at(*answer, "b"), 2);
  EXPECT_EQ(transport->bodies[0], R"({"a":1})");
  EXPECT_EQ(header(transport->requests[0].headers, "Content-Type"), "application/json");
  transport->say(200, "");
  EXPECT_TRUE(call()->empty()) << "some calls answer nothing";
}

TEST_F(JsonCall, SaysWhoFailed) {
  transport->say(400, R"({"message": "no such queue"})", {{"x-amzn-errortype", "ClientException"}});
  const auto refused = call();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text.find("batch: Do: "), 0U) << refused.error().text;
  EXPECT_NE(refused.error().text.find("no such queue"), std::string::npos);
  for (const char* body : {"[1]", "\"a\"", "null", "{", "<a/>"}) {
    transport->say(200, body);
    EXPECT_EQ(call().error().code, Code::kProtocol) << body;
  }
}

TEST(JsonMembers, OfAnotherTypeAreNothing) {
  const Json json = Json::parse(R"({"text": "a", "number": 1.5, "flag": true, "list": [1],
                                    "object": {"b": 1}, "null": null})");
  EXPECT_EQ(text_at(json, "text"), "a");
  EXPECT_EQ(number_at(json, "number"), 1.5);
  EXPECT_TRUE(flag_at(json, "flag"));
  EXPECT_EQ(array_at(json, "list").size(), 1U);
  EXPECT_EQ(object_at(json, "object").size(), 1U);
  for (const char* name : {"null", "absent"}) {
    EXPECT_EQ(text_at(json, name), "");
    EXPECT_EQ(number_at(json, name), 0);
    EXPECT_FALSE(flag_at(json, name));
    EXPECT_TRUE(array_at(json, name).is_array() && array_at(json, name).empty());
    EXPECT_TRUE(object_at(json, name).is_object() && object_at(json, name).empty());
  }
  EXPECT_EQ(text_at(json, "number"), "");
  EXPECT_EQ(number_at(json, "text"), 0);
  EXPECT_TRUE(array_at(json, "object").empty());
  EXPECT_TRUE(object_at(json, "list").empty());
  EXPECT_EQ(text_at(Json("no object"), "text"), "");
}

TEST(JsonBody, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(body_text(Json::object({{"a", "x\xff"}})), "{\"a\":\"x\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace mnp::aws
