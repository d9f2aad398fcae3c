#include "aws/s3.hpp"

#include <gtest/gtest.h>

#include "aws/credentials_sources.hpp"
#include "fake_s3.hpp"
#include "settings_fixture.hpp"

namespace mnp::aws {
namespace {

/// A bucket in eu-west-1; the settings name us-east-1.
class S3Elsewhere : public SettingsFixture {
 protected:
  S3Elsewhere() {
    config("[default]\nregion = us-east-1\ns3 =\n  addressing_style = path\n");
    fake->objects["k"] = {"bytes", {}};
    fake->before = [this](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
      const std::string signature = header(request.headers, "Authorization");
      if (request.endpoint.host == "s3.eu-west-1.amazonaws.com") {
        EXPECT_NE(signature.find("/eu-west-1/s3/"), std::string::npos) << signature;
        return std::nullopt;
      }
      EXPECT_NE(signature.find("/us-east-1/s3/"), std::string::npos) << signature;
      return HttpResponse{refusal, {{"x-amz-bucket-region", region}}, ""};
    };
  }
  S3 make() { return *S3::create(*load(), fake, fixed_credentials({"k", "s", "", "", {}})); }

  std::shared_ptr<FakeS3> fake = std::make_shared<FakeS3>();
  int refusal = 301;
  std::string region = "eu-west-1";
};

TEST_F(S3Elsewhere, ABucketIsAskedWhereItSaysThatItLies) {
  for (const int status : {301, 307, 400}) {
    refusal = status;
    fake->calls = 0;
    S3 s3 = make();
    const auto info = s3.head({"bucket", "k"});
    ASSERT_TRUE(info) << info.error().text;
    EXPECT_LE(fake->calls, 3) << "a 400 without a body may mean credentials that have expired";
    fake->calls = 0;
    const std::atomic<bool> cancel{false};
    EXPECT_EQ(s3.cancelled_by(cancel).get({"bucket", "k"})->bytes, "bytes");
    EXPECT_EQ(fake->calls, 1) << "it is known now";
    EXPECT_NE(s3.presigned_get({"bucket", "k"}, 60)->find("eu-west-1.amazonaws"),
              std::string::npos);
  }
}

TEST_F(S3Elsewhere, OneThatIsSentAroundStops) {
  fake->before = [](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    const bool there = request.endpoint.host == "s3.eu-west-1.amazonaws.com";
    return HttpResponse{301, {{"x-amz-bucket-region", there ? "us-east-1" : "eu-west-1"}}, ""};
  };
  EXPECT_FALSE(make().head({"bucket", "k"}));
  EXPECT_EQ(fake->calls, 2);
}

TEST_F(S3Elsewhere, ARegionThatCannotBeIsNotAsked) {
  region = "evil.example/";
  EXPECT_FALSE(make().head({"bucket", "k"}));
  EXPECT_EQ(fake->calls, 1);
}

TEST_F(S3Elsewhere, WhereAnEndpointIsSetTheErrorSaysWhatToSet) {
  variables["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
  const auto info = make().head({"bucket", "k"});
  ASSERT_FALSE(info);
  EXPECT_NE(info.error().text.find("lies in eu-west-1, not in us-east-1: set AWS_REGION"),
            std::string::npos)
      << info.error().text;
  EXPECT_EQ(fake->calls, 1);
}

class S3Test : public SettingsFixture {
 protected:
  S3Test() { config("[default]\nregion = us-east-1\ns3 =\n  addressing_style = path\n"); }
  S3 make() { return *S3::create(*load(), fake, fixed_credentials({"k", "s", "", "", {}})); }
  std::shared_ptr<FakeS3> fake = std::make_shared<FakeS3>();
};

TEST_F(S3Test, AnAnswerThatIsNoListingIsNoEmptyOne) {
  std::string document;
  fake->before = [&](const HttpRequest&) -> std::optional<Result<HttpResponse>> {
    return HttpResponse{200, {}, document};
  };
  S3 s3 = make();
  for (const char* text : {"<Error><Code>SlowDown</Code></Error>",
                           "<Error><Code>Unheard</Code></Error>", "<html><body/></html>", ""}) {
    document = text;
    EXPECT_FALSE(s3.list({"bucket", "a"})) << text;
    EXPECT_FALSE(s3.versions({"bucket", "a"})) << text;
    EXPECT_FALSE(s3.uploads({"bucket", "a"})) << text;
  }
}

TEST_F(S3Test, AnErrorInPlaceOfAListingIsAskedForAgain) {
  int calls = 0;
  fake->objects["a"] = {"bytes", {}};
  fake->before = [&](const HttpRequest&) -> std::optional<Result<HttpResponse>> {
    if (++calls > 1) return std::nullopt;
    return HttpResponse{200, {}, "<Error><Code>InternalError</Code></Error>"};
  };
  const auto page = make().list({"bucket", "a"});
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(calls, 2);
}

TEST_F(S3Test, AnObjectMayHoldWhatLooksLikeAnError) {
  fake->objects["a"] = {"<Error><Code>InternalError</Code></Error>", {}};
  const auto got = make().get({"bucket", "a"});
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->bytes, fake->objects["a"].first);
}

TEST_F(S3Test, ABucketThatAsksForContentMd5GetsIt) {
  std::vector<std::string> digests;
  fake->before = [&](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    if (request.method != "PUT") return std::nullopt;
    digests.push_back(header(request.headers, "Content-MD5"));
    if (!digests.back().empty()) return std::nullopt;
    return HttpResponse{400,
                        {},
                        "<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- "
                        "HTTP header is required for Put Object requests with Object Lock "
                        "parameters</Message></Error>"};
  };
  S3 s3 = make();
  ASSERT_TRUE(s3.put({"bucket", "a"}, "hello"));
  ASSERT_TRUE(s3.put({"bucket", "b"}, ""));
  const auto upload = s3.begin_upload({"bucket", "c"}, {});
  ASSERT_TRUE(upload);
  TextSource part("hello");
  EXPECT_TRUE(s3.upload_part({"bucket", "c"}, *upload, 1, part));
  EXPECT_EQ(digests,
            (std::vector<std::string>{"", "XUFAKrxLKna5cZ2REBfFkg==", "1B2M2Y8AsgTpgAmY7PhCfg==",
                                      "XUFAKrxLKna5cZ2REBfFkg=="}));
}

}  // namespace
}  // namespace mnp::aws
