#include "aws/api_error.hpp"

#include <gtest/gtest.h>

namespace mnp::aws {
namespace {

ApiError of(int status, const std::string& body, Headers headers = {}) {
  return api_error({status, std::move(headers), body});
}

TEST(ApiErrors, ReadTheAnswersOfAllKinds) {
  const ApiError s3 = of(404,
                         "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>The key "
                         "is not there.</Message></Error>",
                         {{"x-amz-request-id", "R1"}});
  EXPECT_EQ(s3.type, "NoSuchKey");
  EXPECT_EQ(s3.text, "404 NoSuchKey: The key is not there. (request R1)");
  EXPECT_EQ(s3.code, Code::kNotFound);
  const ApiError query = of(400,
                            "<ErrorResponse xmlns=\"https://sts\"><Error><Type>Sender</Type>"
                            "<Code>ValidationError</Code><Message>no</Message></Error>"
                            "<RequestId>x</RequestId></ErrorResponse>");
  EXPECT_EQ(query.text, "400 ValidationError: no");
  const ApiError many = of(403,
                           "<Response><Errors><Error><Code>AuthFailure</Code><Message>no</Message>"
                           "</Error></Errors><RequestID>x</RequestID></Response>");
  EXPECT_EQ(many.text, "403 AuthFailure: no");
  const ApiError rest =
      of(400, "{\"message\":\"bad\"}",
         {{"X-Amzn-ErrorType", "ClientException:http://x"}, {"x-amzn-RequestId", "R2"}});
  EXPECT_EQ(rest.text, "400 ClientException: bad (request R2)");
  const ApiError json = of(400, R"({"__type":"com.amazon.logs#ResourceNotFoundException",
                                    "Message":"gone"})");
  EXPECT_EQ(json.text, "400 ResourceNotFoundException: gone");
  EXPECT_EQ(of(403, "{\"code\":\"AccessDenied\"}").type, "AccessDenied");
  EXPECT_EQ(of(412, "").code, Code::kExists);
}

TEST(ApiErrors, OfAnythingElseTheStatusIsLeft) {
  EXPECT_EQ(of(502, "<html><body>Bad Gateway</body>").text, "502");
  EXPECT_EQ(of(500, "\x01\x02").text, "500");
  EXPECT_EQ(of(400, "[1, 2]").text, "400");
  const ApiError lines = of(400, "{\"message\":\"a\\u0007\\nb\"}");
  EXPECT_EQ(lines.text, "400: a  b");
  EXPECT_LT(of(400, "{\"message\":\"" + std::string(100000, 'x') + "\"}").text.size(), 500U);
}

TEST(ApiErrors, AnErrorMayComeWithStatus200) {
  EXPECT_TRUE(is_error_document(
      {200, {}, "<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>"}));
  EXPECT_FALSE(is_error_document({200, {}, "<CompleteMultipartUploadResult/>"}));
  EXPECT_FALSE(is_error_document({200, {}, ""}));
  EXPECT_FALSE(is_error_document({200, {}, "Error"}));
}

TEST(ApiErrors, KnowWhatMayHelp) {
  EXPECT_EQ(retriable(of(503, "<Error><Code>SlowDown</Code></Error>")), Retriable::kThrottled);
  EXPECT_EQ(retriable(of(429, "")), Retriable::kThrottled);
  EXPECT_EQ(retriable(of(400, R"({"__type":"ThrottlingException"})")), Retriable::kThrottled);
  EXPECT_EQ(retriable(of(500, "")), Retriable::kTransient);
  EXPECT_EQ(retriable(of(200, "<Error><Code>InternalError</Code></Error>")), Retriable::kTransient);
  EXPECT_EQ(retriable(of(400, "<Error><Code>RequestTimeout</Code></Error>")),
            Retriable::kTransient);
  EXPECT_EQ(retriable(of(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>")),
            Retriable::kSkewed);
  EXPECT_EQ(retriable(of(400, "<Error><Code>ExpiredToken</Code></Error>")), Retriable::kExpired);
  EXPECT_EQ(retriable(of(403, "<Error><Code>AccessDenied</Code></Error>")), Retriable::kNo);
  EXPECT_EQ(retriable(of(404, "")), Retriable::kNo);
  EXPECT_EQ(retriable(of(409, "")), Retriable::kNo);
  for (const char* type : {"ConditionalRequestConflict", "OperationAborted"}) {
    const ApiError conflict = of(409, std::string("<Error><Code>") + type + "</Code></Error>");
    EXPECT_EQ(retriable(conflict), Retriable::kTransient);
    EXPECT_EQ(conflict.code, Code::kStore) << "nothing is known to be there";
  }
  for (const char* type : {"InvalidSignatureException", "SignatureDoesNotMatch"})
    EXPECT_EQ(retriable(of(400, std::string("{\"__type\":\"") + type + "\"}")),
              Retriable::kMaySkew);
  EXPECT_EQ(retriable(of(403, ""), "HEAD"), Retriable::kMaySkew);
  EXPECT_EQ(retriable(of(403, "")), Retriable::kNo);
  EXPECT_EQ(retriable(of(400, ""), "HEAD"), Retriable::kExpired);
  EXPECT_EQ(retriable(of(400, "")), Retriable::kNo);
  ApiError lost;
  lost.code = Code::kIo;
  EXPECT_EQ(retriable(lost), Retriable::kTransient);
  lost.code = Code::kTimeout;
  EXPECT_EQ(retriable(lost), Retriable::kTransient);
  lost.code = Code::kClosed;
  EXPECT_EQ(retriable(lost), Retriable::kTransient);
  lost.code = Code::kConfig;  // no credentials
  EXPECT_EQ(retriable(lost), Retriable::kNo);
}

}  // namespace
}  // namespace mnp::aws
