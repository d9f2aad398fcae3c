#include "aws/s3_store.hpp"

#include <gtest/gtest.h>

#include "aws/credentials_sources.hpp"
#include "fake_s3.hpp"
#include "settings_fixture.hpp"
#include "tests/core/store_contract.hpp"

namespace mnp::aws {
namespace {

class S3StoreTest : public SettingsFixture {
 protected:
  S3StoreTest() {
    variables["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
    store = make();
  }
  std::unique_ptr<S3Store> make() {
    auto s3 = S3::create(*load(), fake, fixed_credentials({"k", "s", "", "", {}}));
    EXPECT_TRUE(s3) << s3.error().text;
    auto made = std::make_unique<S3Store>(*s3, S3Place{"bucket", "lab/"});
    made->sleep = [this](Milliseconds) {
      if (meanwhile) meanwhile();
    };
    return made;
  }

  std::shared_ptr<FakeS3> fake = std::make_shared<FakeS3>();
  std::unique_ptr<S3Store> store;
  std::function<void()> meanwhile;
};

TEST_F(S3StoreTest, KeysLieBelowTheRoot) {
  ASSERT_TRUE(store->put("a/b", "1"));
  EXPECT_EQ(fake->objects.count("lab/a/b"), 1U);
  EXPECT_EQ(store->url("a/b"), "s3://bucket/lab/a/b");
  EXPECT_EQ(*store->list("a"), std::vector<std::string>{"a/b"});
}

TEST_F(S3StoreTest, ListsPageByPage) {
  for (const char* key : {"d/1", "d/2", "d/3", "d/4 x+y", "d/5/6", "d/7", "d", "dd/1"})
    ASSERT_TRUE(store->put(key, ""));
  EXPECT_EQ(*store->list("d"),
            (std::vector<std::string>{"d/1", "d/2", "d/3", "d/4 x+y", "d/5/6", "d/7"}));
}

TEST_F(S3StoreTest, ALostAnswerToACreationIsFoundOut) {
  ASSERT_TRUE(store->put_new("first", "1"));
  fake->lose_answers = 1;
  EXPECT_TRUE(store->put_new("a", "1")) << "it was ours that had got there";
  EXPECT_EQ(store->put_new("a", "1").error().code, Code::kExists);
}

TEST_F(S3StoreTest, WithoutConditionsTheLastWriterOfTwoWins) {
  fake->conditional = false;
  ASSERT_TRUE(store->put_new("a", "1"));
  EXPECT_EQ(store->put_new("a", "2").error().code, Code::kExists);
  meanwhile = [this] {
    meanwhile = nullptr;
    auto other = make();
    fake->objects.erase("lab/b");  // it looked before ours was there
    EXPECT_TRUE(other->put_new("b", "other"));
  };
  EXPECT_EQ(store->put_new("b", "ours").error().code, Code::kExists);
  EXPECT_EQ(*store->get("b"), "other");
}

TEST_F(S3StoreTest, AServerThatPassesConditionsOverIsFoundOut) {
  fake->conditional = false;
  fake->silent = true;
  ASSERT_TRUE(store->put_new("a", "1"));
  EXPECT_EQ(store->put_new("a", "2").error().code, Code::kExists);
  EXPECT_EQ(*store->get("a"), "1");
  EXPECT_EQ(fake->objects.size(), 1U) << "the probe is gone";
}

TEST_F(S3StoreTest, EveryVersionGoesOfEveryPage) {
  std::vector<std::string> removed;
  fake->before = [&](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    const std::string query = query_text(request.query);
    if (request.method == "DELETE") {
      removed.push_back(query);
      return HttpResponse{204, {}, ""};
    }
    if (query.find("key-marker=") == std::string::npos)
      return HttpResponse{200,
                          {},
                          "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>lab/k"
                          "</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"
                          "<Version><Key>lab/k</Key><VersionId>v1</VersionId></Version>"
                          "</ListVersionsResult>"};
    EXPECT_NE(query.find("key-marker=lab%2Fk&version-id-marker=v1"), std::string::npos) << query;
    return HttpResponse{
        200,
        {},
        "<ListVersionsResult><DeleteMarker><Key>lab/k</Key><VersionId>v2</VersionId>"
        "</DeleteMarker><Version><Key>lab/kk</Key><VersionId>v3"
        "</VersionId></Version></ListVersionsResult>"};
  };
  ASSERT_TRUE(store->remove("k"));
  EXPECT_EQ(removed, (std::vector<std::string>{"versionId=v1", "versionId=v2"}));
}

TEST_F(S3StoreTest, NothingIsLeftWhereVersionsAreKept) {
  fake->versioned = true;
  for (const char* key : {"lab/k", "lab/d/old"}) {  // older than versioning
    fake->objects[key] = {"old", {}};
    fake->versions.push_back({key, "null", fake->objects[key]});
  }
  ASSERT_TRUE(store->put("k", "1"));
  ASSERT_TRUE(fake->objects.erase("lab/k"));  // and hidden
  fake->versions.push_back({"lab/k", "marker", std::nullopt});
  ASSERT_TRUE(store->put_new("d/new", "1"));
  ASSERT_TRUE(store->remove("k"));
  ASSERT_TRUE(store->remove("k")) << "twice";
  ASSERT_TRUE(store->remove_below("d"));
  EXPECT_TRUE(fake->objects.empty());
  for (const auto& each : fake->versions) ADD_FAILURE() << each.key << " " << each.id << " is left";
}

TEST_F(S3StoreTest, UploadsThatNobodyHasCompletedGoToo) {
  fake->uploads = {{"1", {"lab/d/a", {}, {}}}, {"2", {"lab/dd", {}, {}}}};
  ASSERT_TRUE(store->remove_below("d"));
  ASSERT_EQ(fake->uploads.size(), 1U);
  EXPECT_EQ(fake->uploads.count("2"), 1U);
}

TEST_F(S3StoreTest, WhereUploadsCannotBeListedTheRestGoes) {
  for (const int status : {403, 501}) {
    fake->before = [&](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
      if (request.query.empty() || request.query[0].first != "uploads") return std::nullopt;
      return HttpResponse{status, {}, ""};
    };
    ASSERT_TRUE(store->put("d/a", "1"));
    testing::internal::CaptureStderr();
    EXPECT_TRUE(store->remove_below("d"));
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(said.find("s3:ListBucketMultipartUploads") != std::string::npos, status == 403);
    EXPECT_TRUE(fake->objects.empty());
  }
}

TEST_F(S3StoreTest, VersionsThatMayNotBeRemovedAreHidden) {
  fake->versioned = true;
  fake->before = [](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    if (request.query.empty() || request.method != "DELETE") return std::nullopt;
    return HttpResponse{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  ASSERT_TRUE(store->put("a", "1"));
  ASSERT_TRUE(store->put("d/b", "1"));
  EXPECT_TRUE(store->remove("a"));
  EXPECT_TRUE(store->remove_below("d"));
  EXPECT_TRUE(fake->objects.empty());
}

TEST_F(S3StoreTest, APageThatLeadsNowhereEndsTheListing) {
  fake->before = [](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    if (request.method == "DELETE") return HttpResponse{204, {}, ""};
    const bool versions = query_text(request.query).find("versions") != std::string::npos;
    const std::string root = versions ? "ListVersionsResult" : "ListBucketResult";
    return HttpResponse{200,
                        {},
                        "<" + root +
                            "><IsTruncated>true</IsTruncated><NextKeyMarker>k"
                            "</NextKeyMarker></" +
                            root + ">"};
  };
  EXPECT_TRUE(store->remove("k"));
  EXPECT_EQ(store->list("k").error().code, Code::kStore);
}

TEST_F(S3StoreTest, ChangedBytesAreNoticed) {
  ASSERT_TRUE(store->put("a", "bytes"));
  fake->objects["lab/a"].first = "bytfs";
  const auto got = store->get("a");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::kStore);
  EXPECT_NE(got.error().text.find("s3://bucket/lab/a"), std::string::npos);
}

TEST_F(S3StoreTest, ARefusalIsNoAbsence) {
  fake->before = [](const HttpRequest&) -> std::optional<Result<HttpResponse>> {
    return HttpResponse{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  EXPECT_EQ(store->get("a").error().code, Code::kConfig);
  EXPECT_EQ(store->list("a").error().code, Code::kConfig);
  EXPECT_EQ(store->put_new("a", "").error().code, Code::kConfig);
  EXPECT_EQ(store->remove("a").error().code, Code::kConfig);
}

}  // namespace
}  // namespace mnp::aws

namespace mnp {
namespace {

Place fake_s3_place() {
  ::setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", 1);
  ::setenv("AWS_REGION", "us-east-1", 1);
  const auto settings = aws::Settings::load({}, aws::process_variables());
  const auto s3 = aws::S3::create(*settings, std::make_shared<aws::FakeS3>(),
                                  aws::fixed_credentials({"k", "s", "", "", {}}));
  return {nullptr, std::make_unique<aws::S3Store>(*s3, aws::S3Place{"bucket", "lab"})};
}

INSTANTIATE_TEST_SUITE_P(S3, StoreContract, testing::Values(fake_s3_place));

}  // namespace
}  // namespace mnp
