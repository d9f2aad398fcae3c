#include "aws/s3_transfer.hpp"

#include <gtest/gtest.h>

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
    auto s3 = S3::create(*load(), fake, fixed_credentials({"k", "s", "", "", {}}));
    EXPECT_TRUE(s3) << s3.error().text;
    return S3Transfer(*s3, options);
  }
  fs::path local(const std::string& path) const { return folder.path() / path; }

  std::shared_ptr<FakeS3> fake = std::make_shared<FakeS3>();
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
  EXPECT_FALSE(fs::exists(local("out/a")));
  EXPECT_FALSE(fs::exists(local("out/.a.mnp-part")));
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

TEST_F(S3TransferTest, WhatIsNotThereIsSaid) {
  const auto none = transfer().download_file({"bucket", "p"}, local("out"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_FALSE(transfer().upload_file(local("none"), {"bucket", "p"}));
  EXPECT_FALSE(transfer().upload_file(folder.path(), {"bucket", "p"}));
}

}  // namespace
}  // namespace mnp::aws
