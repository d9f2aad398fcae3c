#include "mnp/node/s3_publisher.hpp"

#include <gtest/gtest.h>

#include "fake_bucket.hpp"

namespace mnp::node {
namespace {

class S3PublisherTest : public testing::Test {
 protected:
  /// What a start of `command` leaves, by path.
  Publishing left(uint32_t command, uint32_t start,
                  const std::map<std::string, std::string>& files) {
    const fs::path from = folder.path() / std::to_string(++folders);
    for (const auto& [path, bytes] : files) EXPECT_TRUE(create_file_once(from / path, bytes));
    return {from, CommandIndex(command), start, command};
  }
  std::vector<Publishing> publish(std::vector<Publishing> starts, uint32_t owner = 1) {
    S3Publisher publisher(store, {"results", "partials", reduce, OwnerNumber(owner)});
    publisher.publish(starts);
    return starts;
  }
  Publishing publish(const Publishing& start, uint32_t owner = 1) {
    return publish(std::vector<Publishing>{start}, owner).front();
  }
  std::string at(const std::string& key) const {
    const auto found = bucket->objects.find(key);
    return found == bucket->objects.end() ? "<none>" : found->second.first;
  }

  std::shared_ptr<aws::FakeS3> bucket = std::make_shared<aws::FakeS3>();
  std::shared_ptr<aws::S3Store> store = store_in(bucket);
  std::optional<model::Reduce> reduce;
  TemporaryFolder folder = *TemporaryFolder::create("s3-publisher-test-");
  int folders = 0;
};

TEST_F(S3PublisherTest, FilesBecomeObjectsWithTheirRecords) {
  const auto done = publish(left(4, 1, {{"a", "one"}, {"sub/b c", ""}}));
  ASSERT_TRUE(done.files) << done.files.error().text;
  ASSERT_EQ(done.files->size(), 2U);
  EXPECT_EQ((*done.files)[0].path, "a");
  EXPECT_EQ((*done.files)[0].bytes, 3U);
  EXPECT_EQ((*done.files)[0].crc32c, crc32c("one"));
  EXPECT_EQ(at("results/a"), "one");
  EXPECT_EQ(at("results/sub/b c"), "");
  EXPECT_TRUE(publish(left(5, 1, {})).files->empty());
}

TEST_F(S3PublisherTest, ManyStartsAtOnce) {
  std::vector<Publishing> starts;
  for (uint32_t i = 0; i < 100; ++i)
    starts.push_back(left(i, 1, {{std::to_string(i), "x"}, {std::to_string(i) + ".log", "y"}}));
  for (const Publishing& each : publish(starts)) EXPECT_EQ(each.files->size(), 2U);
  EXPECT_EQ(bucket->objects.size(), 200U);
}

TEST_F(S3PublisherTest, AnotherCommandsPathIsRefusedAndNothingIsLeft) {
  ASSERT_TRUE(publish(left(4, 1, {{"b", "four"}})).files);
  const auto refused = publish(left(5, 1, {{"a", "five"}, {"b", "five"}, {"c", "five"}}));
  ASSERT_FALSE(refused.files);
  EXPECT_EQ(refused.files.error().code, Code::kConfig);
  EXPECT_NE(refused.files.error().text.find("commands 4 and 5 both publish 'b'"), std::string::npos)
      << refused.files.error().text;
  EXPECT_EQ(at("results/b"), "four");
  EXPECT_EQ(at("results/a"), "<none>");
  EXPECT_EQ(at("results/c"), "<none>");
}

TEST_F(S3PublisherTest, ARefusedStartTakesBackWhatItPutInPlaceOfALowerOnes) {
  ASSERT_TRUE(publish(left(4, 1, {{"b", "four"}})).files);
  ASSERT_TRUE(publish(left(5, 1, {{"a", "its first start"}})).files);
  EXPECT_FALSE(publish(left(5, 2, {{"a", "five"}, {"b", "five"}})).files);
  EXPECT_EQ(at("results/a"), "<none>");
  EXPECT_EQ(at("results/b"), "four");
}

TEST_F(S3PublisherTest, ANameThatNoKeyCanHaveIsItsOwnCommandsProblem) {
  const std::string component(200, 'x');
  std::string deep = component;
  for (int i = 0; i < 5; ++i) deep += "/" + component;
  auto starts =
      publish(std::vector<Publishing>{left(1, 1, {{"m\xfcller", "x"}, {"a", "x"}}),
                                      left(2, 1, {{deep, "x"}}), left(3, 1, {{"c", "x"}})});
  ASSERT_FALSE(starts[0].files);
  EXPECT_EQ(starts[0].files.error().code, Code::kConfig);
  EXPECT_NE(starts[0].files.error().text.find("UTF-8"), std::string::npos);
  ASSERT_FALSE(starts[1].files);
  EXPECT_NE(starts[1].files.error().text.find("S3 takes 1024"), std::string::npos);
  EXPECT_TRUE(starts[2].files);
  EXPECT_EQ(at("results/a"), "<none>");
  EXPECT_EQ(at("results/c"), "x");
}

class S3PublisherOf : public S3PublisherTest,
                      public testing::WithParamInterface<std::tuple<bool, size_t>> {};

TEST_P(S3PublisherOf, AHigherStartReplacesALowerOneAndNotTheOtherWayRound) {
  const auto [conditional, bytes] = GetParam();
  bucket->conditional = conditional;
  const auto published = [&, size = bytes](uint32_t start, std::string what, uint32_t owner) {
    what.resize(size, ' ');
    const auto done = publish(left(4, start, {{"a", what}}), owner);
    EXPECT_TRUE(done.files) << done.files.error().text;
    return std::string(trim(at("results/a")));
  };
  EXPECT_EQ(published(2, "start 2", 1), "start 2");
  EXPECT_EQ(published(1, "start 1", 1), "start 2");
  EXPECT_EQ(published(3, "start 3", 1), "start 3");
  EXPECT_EQ(published(1, "owner 2", 2), "owner 2");
  EXPECT_EQ(published(9, "late", 1), "owner 2");
  EXPECT_TRUE(bucket->uploads.empty());
}

/// Sent at once, and in parts.
INSTANTIATE_TEST_SUITE_P(ServersAndSizes, S3PublisherOf,
                         testing::Combine(testing::Bool(), testing::Values(10, 9 << 20)));

TEST_F(S3PublisherTest, AServerThatTakesNoIfMatchIsAskedWithout) {
  ASSERT_TRUE(publish(left(4, 1, {{"a", "start 1"}})).files);
  bucket->before = [](const aws::HttpRequest& request) -> std::optional<Result<aws::HttpResponse>> {
    if (aws::header(request.headers, "If-Match").empty()) return std::nullopt;
    return aws::HttpResponse{412, {}, "<Error><Code>PreconditionFailed</Code></Error>"};
  };
  const auto done = publish(left(4, 2, {{"a", "start 2"}}));
  ASSERT_TRUE(done.files) << done.files.error().text;
  EXPECT_EQ(at("results/a"), "start 2");
}

TEST_F(S3PublisherTest, AConflictIsNoReasonToPutWithoutCondition) {
  ASSERT_TRUE(publish(left(4, 1, {{"a", "start 1"}})).files);
  int conflicts = 1;
  bucket->before =
      [&](const aws::HttpRequest& request) -> std::optional<Result<aws::HttpResponse>> {
    if (request.method != "PUT" || !aws::header(request.headers, "If-None-Match").empty())
      return std::nullopt;
    EXPECT_FALSE(aws::header(request.headers, "If-Match").empty());
    if (conflicts-- <= 0) return std::nullopt;
    return aws::HttpResponse{409, {}, "<Error><Code>ConditionalRequestConflict</Code></Error>"};
  };
  const auto done = publish(left(4, 2, {{"a", "start 2"}}));
  ASSERT_TRUE(done.files) << done.files.error().text;
  EXPECT_EQ(at("results/a"), "start 2");
  conflicts = 1000;
  EXPECT_EQ(publish(left(4, 3, {{"a", "start 3"}})).files.error().code, Code::kStore);
  EXPECT_EQ(at("results/a"), "start 2");
}

TEST_F(S3PublisherTest, WhatALaterStartPutMeanwhileIsNotTakenBack) {
  ASSERT_TRUE(publish(left(4, 1, {{"b", "four"}})).files);
  const auto later =
      std::make_pair(std::string("start 2"), aws::Headers{{"x-amz-meta-mnp-command", "5"},
                                                          {"x-amz-meta-mnp-owner", "1"},
                                                          {"x-amz-meta-mnp-start", "2"}});
  bucket->before =
      [&](const aws::HttpRequest& request) -> std::optional<Result<aws::HttpResponse>> {
    if (request.method == "DELETE" && request.wire_path() == "/bucket/results/a")
      bucket->objects["results/a"] = later;
    return std::nullopt;
  };
  EXPECT_FALSE(publish(left(5, 1, {{"a", "start 1"}, {"b", "five"}})).files);
  EXPECT_EQ(at("results/a"), "start 2");
}

TEST_F(S3PublisherTest, AServerThatRemovesOnNoConditionIsAskedWithout) {
  for (const int status : {412, 501}) {
    bucket->objects.clear();
    ASSERT_TRUE(publish(left(4, 1, {{"b", "four"}})).files);
    bucket->before =
        [&](const aws::HttpRequest& request) -> std::optional<Result<aws::HttpResponse>> {
      if (request.method != "DELETE" || aws::header(request.headers, "If-Match").empty())
        return std::nullopt;
      return aws::HttpResponse{status, {}, ""};
    };
    EXPECT_EQ(publish(left(5, 1, {{"a", "start 1"}, {"b", "five"}})).files.error().code,
              Code::kConfig);
    EXPECT_EQ(at("results/a"), "<none>");
  }
}

TEST_F(S3PublisherTest, AServerThatIsAwayIsTheStoresFailure) {
  const Publishing start = left(4, 1, {{"a", "1"}});
  bucket->before = [](const aws::HttpRequest&) -> std::optional<Result<aws::HttpResponse>> {
    return Result<aws::HttpResponse>(fail(Code::kIo, "connection refused"));
  };
  const auto failed = publish(start);
  ASSERT_FALSE(failed.files);
  EXPECT_EQ(failed.files.error().code, Code::kStore) << failed.files.error().text;
  bucket->before = nullptr;
  EXPECT_TRUE(publish(start).files);
}

TEST_F(S3PublisherTest, WhatAnEarlierTryHasPutIsTakenBackToo) {
  ASSERT_TRUE(publish(left(4, 1, {{"c", "four"}})).files);
  const Publishing start = left(5, 1, {{"a", "five"}, {"b", "five"}, {"c", "five"}});
  bucket->before = [](const aws::HttpRequest& request) -> std::optional<Result<aws::HttpResponse>> {
    if (request.wire_path().find("results/c") == std::string::npos) return std::nullopt;
    return aws::HttpResponse{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  EXPECT_EQ(publish(start).files.error().code, Code::kStore);
  bucket->before = nullptr;
  EXPECT_EQ(publish(start).files.error().code, Code::kConfig);
  EXPECT_EQ(at("results/a"), "<none>");
  EXPECT_EQ(at("results/b"), "<none>");
}

TEST_F(S3PublisherTest, AStoreThatFailsLeavesAllForAnotherTime) {
  bucket->before = [](const aws::HttpRequest& request) -> std::optional<Result<aws::HttpResponse>> {
    if (request.method != "PUT" || request.wire_path().find("results/b") == std::string::npos)
      return std::nullopt;
    return aws::HttpResponse{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  const Publishing start = left(4, 1, {{"a", "1"}, {"b", "2"}});
  const auto failed = publish(start);
  ASSERT_FALSE(failed.files);
  EXPECT_EQ(failed.files.error().code, Code::kStore) << failed.files.error().text;
  bucket->before = nullptr;
  const auto done = publish(start);
  ASSERT_TRUE(done.files) << done.files.error().text;
  EXPECT_EQ((*done.files)[0].crc32c, crc32c("1")) << "it was there already";
  EXPECT_EQ(at("results/b"), "2");
}

TEST_F(S3PublisherTest, ALostAnswerIsNoConflict) {
  ASSERT_TRUE(*store->can_put_if_absent());
  bucket->lose_answers = 1;
  const auto done = publish(left(4, 1, {{"a", "1"}}));
  ASSERT_TRUE(done.files) << done.files.error().text;
  EXPECT_EQ((*done.files)[0].bytes, 1U);
}

TEST_F(S3PublisherTest, PartialsHaveANameOfTheirStart) {
  reduce = model::Reduce{"sum/*.npy", model::ReduceOp::kSum};
  const auto done = publish(left(4, 2, {{"sum/a.npy", "array"}, {"log", "text"}}));
  ASSERT_TRUE(done.files);
  EXPECT_TRUE((*done.files)[1].partial);
  EXPECT_FALSE((*done.files)[0].partial);
  EXPECT_EQ(at("partials/4-2/sum/a.npy"), "array");
  EXPECT_EQ(at("results/log"), "text");
}

TEST_F(S3PublisherTest, WhatIsNoFileFailsItsCommandAlone) {
  const Publishing broken = left(4, 1, {{"a", "1"}});
  fs::create_symlink("nowhere", broken.from / "link");
  const auto done = publish(std::vector<Publishing>{broken, left(5, 1, {{"b", "2"}})});
  ASSERT_FALSE(done[0].files);
  EXPECT_NE(done[0].files.error().code, Code::kStore);
  EXPECT_TRUE(done[1].files);
  EXPECT_EQ(at("results/a"), "<none>");
  EXPECT_EQ(at("results/b"), "2");
}

TEST_F(S3PublisherTest, OurOwnNamesAndObjectsOfOthersAreNotTaken) {
  EXPECT_EQ(publish(left(4, 1, {{".names/x", ""}})).files.error().code, Code::kConfig);
  ASSERT_TRUE(store->put("results/a", "by hand"));
  const auto refused = publish(left(4, 1, {{"a", "1"}}));
  EXPECT_EQ(refused.files.error().code, Code::kConfig);
  EXPECT_EQ(at("results/a"), "by hand");
}

}  // namespace
}  // namespace mnp::node
