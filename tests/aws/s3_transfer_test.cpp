#include "aws/s3_transfer.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include <fstream>

#include "aws/credentials_sources.hpp"
#include "fake_s3.hpp"
#include "settings_fixture.hpp"

namespace mnp::aws {
namespace {

class S3TransferTest : public SettingsFixture {
 protected:
  S3TransferTest() {
    variables["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
    variables["AWS_MAX_ATTEMPTS"] = "1";
    options.threads = 4;
  }
  S3Transfer transfer() {
    auto s3 = S3::create(*load(), fake, fixed_credentials({"k", "s", "", "", {}}), &cancel);
    EXPECT_TRUE(s3) << s3.error().text;
    return S3Transfer(*s3, options);
  }
  fs::path local(const std::string& path) const { return folder.path() / path; }

  /// Three parts, each of other bytes.
  std::string large() {
    std::string bytes;
    for (const char each : {'a', 'b', 'c'}) bytes.append(options.part, each);
    bytes.resize(bytes.size() - 1000);
    write("large", bytes);
    return bytes;
  }
  /// Calls `then` once, before the first part of an upload, or before it is completed.
  void before_first(const char* method, std::function<void()> then) {
    reached = false;
    fake->before = [this, method = std::string(method),
                    then = std::move(then)](const HttpRequest& request) {
      for (const auto& [name, value] : request.query)
        if (name == "uploadId" && request.method == method && !std::exchange(reached, true)) then();
      return std::optional<Result<HttpResponse>>();
    };
  }

  std::shared_ptr<FakeS3> fake = std::make_shared<FakeS3>();
  std::atomic<bool> cancel{false};
  bool reached = false;
  TransferOptions options;
};

TEST_F(S3TransferTest, AFolderGoesThereAndBack) {
  for (const char* path : {"in/a", "in/b c/d+e", "in/b c/\xE1\x88\xB4", "in/empty"})
    write(path, std::string(path) == "in/empty" ? "" : path);
  S3Transfer up = transfer();
  const auto sent = up.upload_folder(local("in"), {"bucket", "p"});
  ASSERT_TRUE(sent) << sent.error().text;
  EXPECT_EQ(fake->objects.size(), 4U);
  EXPECT_EQ(fake->objects.count("p/b c/d+e"), 1U);
  EXPECT_EQ(up.progress().files, 4U);
  S3Transfer down = transfer();
  const auto fetched = down.download_folder({"bucket", "p"}, local("out"));
  ASSERT_TRUE(fetched) << fetched.error().text;
  EXPECT_EQ(*list_files_below(local("out")), *list_files_below(local("in")));
  EXPECT_EQ(*read_file(local("out/b c/d+e")), "in/b c/d+e");
}

TEST_F(S3TransferTest, ChangedBytesTakeNoName) {
  write("in/a", "bytes");
  ASSERT_TRUE(transfer().upload_folder(local("in"), {"bucket", "p"}));
  fake->objects["p/a"].first = "bytfs";
  const auto fetched = transfer().download_folder({"bucket", "p"}, local("out"));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, Code::kStore);
  EXPECT_FALSE(fs::exists(local("out")));
}

TEST_F(S3TransferTest, TwoDownloadsOfOneTargetDoNotMix) {
  const std::string bytes = large();
  ASSERT_TRUE(transfer().upload_file(local("large"), {"bucket", "k"}));
  auto others = std::make_shared<FakeS3>();
  others->objects["k"] = {std::string(options.part * 2, 'x'), {}};
  S3Transfer other(*S3::create(*load(), others, fixed_credentials({"k", "s", "", "", {}})),
                   options);
  Status other_done = fail(Code::kStopped, "not begun");
  fake->before = [&](const HttpRequest& request) {
    if (request.method == "GET" && !std::exchange(reached, true))
      other_done = other.download_file({"bucket", "k"}, local("out"));
    return std::optional<Result<HttpResponse>>();
  };
  const auto fetched = transfer().download_file({"bucket", "k"}, local("out"));
  ASSERT_TRUE(fetched) << fetched.error().text;
  EXPECT_TRUE(other_done) << other_done.error().text;
  EXPECT_TRUE(*read_file(local("out")) == bytes);
}

TEST_F(S3TransferTest, WhatKilledDownloadsHaveLeftGoesAfterADay) {
  write("out/.old.mnp-part", "");
  write("out/.young.mnp-part", "");
  write("out/old", "");
  using std::chrono::hours;
  const auto now = fs::file_time_type::clock::now();
  for (const char* path : {"out/.old.mnp-part", "out/old"})
    fs::last_write_time(local(path), now - hours(25));
  fs::last_write_time(local("out/.young.mnp-part"), now - hours(23));
  fake->objects["k"] = {"bytes", {}};
  ASSERT_TRUE(transfer().download_file({"bucket", "k"}, local("out/k")));
  EXPECT_EQ(*list_files_below(local("out")),
            (std::vector<std::string>{".young.mnp-part", "k", "old"}));
}

TEST_F(S3TransferTest, WhatIsNoFileIsNotReplaced) {
  fake->objects["k"] = {"bytes", {}};
  fs::create_directory(local("folder"));
  fs::create_symlink("/dev/null", local("device"));
  for (const char* path : {"folder", "device"}) {
    const auto fetched = transfer().download_file({"bucket", "k"}, local(path));
    ASSERT_FALSE(fetched) << path;
    EXPECT_EQ(fetched.error().code, Code::kConfig) << fetched.error().text;
  }
  EXPECT_TRUE(fs::is_symlink(local("device")));
}

TEST_F(S3TransferTest, KeysThatLeadOutOfTheFolderAreRefused) {
  for (const char* key : {"p/../x", "p/a//b", "p/./x", "p/..", "p//x"}) {
    fake->objects = {{key, {"", {}}}};
    const auto fetched = transfer().download_folder({"bucket", "p"}, local("out"));
    ASSERT_FALSE(fetched) << key;
    EXPECT_EQ(fetched.error().code, Code::kConfig);
  }
  fake->objects = {{"p/folder/", {"", {}}}};
  EXPECT_TRUE(transfer().download_folder({"bucket", "p"}, local("out")));
}

TEST_F(S3TransferTest, TheFirstFailureEndsItAll) {
  for (int i = 0; i < 400; ++i) write("in/" + std::to_string(i), "x");
  fake->before = [this](const HttpRequest&) -> std::optional<Result<HttpResponse>> {
    if (fake->calls < 20) return std::nullopt;
    return HttpResponse{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  const auto sent = transfer().upload_folder(local("in"), {"bucket", "p"});
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().text.find("403 AccessDenied"), std::string::npos);
  EXPECT_LT(fake->calls, 40);
}

TEST_F(S3TransferTest, ALargeFileGoesInPartsAndComesInRanges) {
  const std::string bytes = large();
  const auto sent = transfer().upload_file(local("large"), {"bucket", "k"});
  ASSERT_TRUE(sent) << sent.error().text;
  EXPECT_EQ(sent->bytes, bytes.size());
  EXPECT_EQ(sent->crc32c, crc32c(bytes));
  EXPECT_EQ(fake->objects["k"].first, bytes);
  const auto fetched = transfer().download_file({"bucket", "k"}, local("out"));
  ASSERT_TRUE(fetched) << fetched.error().text;
  EXPECT_EQ(*read_file(local("out")), bytes);
  fake->objects["k"].first[options.part] = 'x';
  EXPECT_EQ(transfer().download_file({"bucket", "k"}, local("out")).error().code, Code::kStore);
  EXPECT_EQ(*list_files_below(folder.path()), (std::vector<std::string>{"large", "out"}));
}

TEST_F(S3TransferTest, OfAServerThatKnowsNoRangesNothingIsKept) {
  fake->objects["k"] = {large(), {}};
  fake->before = [this](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    if (request.method != "GET") return std::nullopt;
    return HttpResponse{200, {}, fake->objects["k"].first};
  };
  const auto fetched = transfer().download_file({"bucket", "k"}, local("out"));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, Code::kProtocol) << fetched.error().text;
  EXPECT_EQ(*list_files_below(folder.path()), std::vector<std::string>{"large"});
}

TEST_F(S3TransferTest, ARangeOfTooFewBytesIsNoFile) {
  fake->objects["k"] = {large(), {}};
  fake->before = [](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    if (request.method != "GET") return std::nullopt;
    return HttpResponse{206, {}, "few"};
  };
  const auto fetched = transfer().download_file({"bucket", "k"}, local("out"));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, Code::kProtocol) << fetched.error().text;
}

TEST_F(S3TransferTest, AFileThatIsRewrittenMeanwhileIsNotPut) {
  const std::string bytes = large();
  options.threads = 1;
  before_first("PUT", [&] {  // of the same size; its name stays the same file's
    std::ofstream(local("large")) << std::string(bytes.size(), 'x');
  });
  const auto sent = transfer().upload_file(local("large"), {"bucket", "k"});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kIo) << sent.error().text;
  EXPECT_NE(sent.error().text.find("changed"), std::string::npos) << sent.error().text;
  EXPECT_TRUE(fake->objects.empty());
  EXPECT_TRUE(fake->uploads.empty());
}

TEST_F(S3TransferTest, WhatAnotherPutMeanwhileStays) {
  large();
  S3PutOptions put;
  put.only_if_absent = true;
  for (const bool looks : {true, false}) {  // where it does not, we do
    fake->conditional_completion = looks;
    fake->objects.clear();
    before_first(looks ? "POST" : "PUT", [this] { fake->objects["k"] = {"another's", {}}; });
    const auto sent = transfer().upload_file(local("large"), {"bucket", "k"}, put);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, Code::kExists) << sent.error().text;
    EXPECT_EQ(fake->objects["k"].first, "another's");
    EXPECT_TRUE(fake->uploads.empty());
  }
}

TEST_F(S3TransferTest, ACompletionWhoseAnswerIsLostIsFoundOut) {
  const std::string bytes = large();
  variables["AWS_MAX_ATTEMPTS"] = "2";  // the second finds no upload, or the object
  S3PutOptions absent;
  absent.only_if_absent = true;
  for (const auto& put : {S3PutOptions(), absent}) {
    fake->objects.clear();
    before_first("POST", [this] { fake->lose_answers = 1; });
    const auto sent = transfer().upload_file(local("large"), {"bucket", "k"}, put);
    ASSERT_TRUE(sent) << sent.error().text;
    EXPECT_TRUE(fake->objects["k"].first == bytes);
  }
}

TEST_F(S3TransferTest, AnUploadThatIsNotCompletedIsNoOlderObject) {
  large();
  ASSERT_TRUE(transfer().upload_file(local("large"), {"bucket", "k"}));
  before_first("POST", [this] { fake->uploads.clear(); });
  const auto sent = transfer().upload_file(local("large"), {"bucket", "k"});
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().text.find("NoSuchUpload"), std::string::npos) << sent.error().text;
}

TEST_F(S3TransferTest, ACompletionMayTakeMinutes) {
  large();
  ASSERT_TRUE(transfer().upload_file(local("large"), {"bucket", "k"}));
  EXPECT_GE(fake->last_limits.stall, std::chrono::minutes(10)) << "of the last request";
  EXPECT_GE(fake->last_limits.whole, std::chrono::minutes(10));
}

TEST_F(S3TransferTest, WhereOldUploadsMayNotBeListedThisIsSaidOnce) {
  large();
  fake->before = [](const HttpRequest& request) -> std::optional<Result<HttpResponse>> {
    if (request.query.empty() || request.query[0].first != "uploads" || request.method != "GET")
      return std::nullopt;
    return HttpResponse{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  testing::internal::CaptureStderr();
  for (const char* key : {"a", "b"})
    EXPECT_TRUE(transfer().upload_file(local("large"), {"bucket", key}));
  const std::string said = testing::internal::GetCapturedStderr(), needed = "ListBucketMultipart";
  EXPECT_NE(said.find(needed), std::string::npos);
  EXPECT_EQ(said.find(needed), said.rfind(needed)) << said;
}

TEST_F(S3TransferTest, ACancelledUploadLeavesNothing) {
  large();
  options.threads = 1;
  before_first("PUT", [this] { cancel = true; });
  const auto sent = transfer().upload_file(local("large"), {"bucket", "k"});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kStopped) << sent.error().text;
  EXPECT_TRUE(reached);
  EXPECT_TRUE(fake->uploads.empty());
  EXPECT_TRUE(fake->objects.empty());
}

TEST_F(S3TransferTest, OnlyWhatHasChangedIsFetchedAndSent) {
  options.only_changed = true;
  const S3Place place{"bucket", "k"};
  const auto fetched = [&] {
    S3Transfer down = transfer();
    EXPECT_TRUE(down.download_file(place, local("f")));
    EXPECT_EQ(down.progress().files + down.progress().kept, 1U);
    return down.progress().files == 1;
  };
  fake->objects["k"] = {"one", {}};
  EXPECT_TRUE(fetched());
  EXPECT_FALSE(fetched());
  fake->objects["k"] = {"two", {}};
  fake->modified = "Fri, 24 May 2013 00:00:01 GMT";
  EXPECT_TRUE(fetched()) << "of the same size, and newer";
  EXPECT_EQ(*read_file(local("f")), "two");
  const auto sent = [&] {
    S3Transfer up = transfer();
    const auto done = up.upload_file(local("f"), place);
    EXPECT_TRUE(done);
    EXPECT_EQ(done->bytes, 3U);
    return up.progress().files == 1;
  };
  EXPECT_FALSE(sent());
  write("f", "new");
  EXPECT_TRUE(sent());
  EXPECT_EQ(fake->objects["k"].first, "new");
}

TEST_F(S3TransferTest, AFileOfTheSecondOfItsObjectMayHaveChanged) {
  options.only_changed = true;
  const S3Place place{"bucket", "k"};
  fake->objects["k"] = {"one", {}};
  ASSERT_TRUE(transfer().download_file(place, local("f")));
  struct stat info {};
  ASSERT_EQ(::stat(local("f").c_str(), &info), 0);
  write("f", "new");
  const timespec times[2] = {{info.st_mtim.tv_sec, 900'000'000},
                             {info.st_mtim.tv_sec, 900'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, local("f").c_str(), times, 0), 0);
  ASSERT_TRUE(transfer().upload_file(local("f"), place));
  EXPECT_EQ(fake->objects["k"].first, "new");
}

TEST_F(S3TransferTest, LinksThatLeadToNoFileAreLeftOut) {
  write("in/a", "x");
  fs::create_symlink("a", folder.path() / "in/link");
  fs::create_directory(folder.path() / "other");
  fs::create_symlink("../other", folder.path() / "in/folder");
  fs::create_symlink("nowhere", folder.path() / "in/broken");
  const auto sent = transfer().upload_folder(folder.path() / "in", {"bucket", "p"});
  ASSERT_TRUE(sent) << sent.error().text;
  EXPECT_EQ(fake->objects.size(), 2U);
  EXPECT_EQ(fake->objects["p/link"].first, "x");
}

TEST_F(S3TransferTest, WhatIsNotThereIsSaid) {
  const auto none = transfer().download_file({"bucket", "p"}, local("out"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_FALSE(transfer().upload_file(local("none"), {"bucket", "p"}));
  EXPECT_FALSE(transfer().upload_file(folder.path(), {"bucket", "p"}));
}

}  // namespace
}  // namespace mnp::aws
