// What S3 does against a real server, which the environment names: with_server.py starts one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "aws/credentials_sources.hpp"
#include "aws/curl_transport.hpp"
#include "aws/s3_store.hpp"
#include "aws/s3_transfer.hpp"
#include "memory_body.hpp"
#include "mnp/core/clock.hpp"

namespace mnp::aws {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class S3Contract : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(variable("AWS_ENDPOINT_URL").empty()) << "with_server.py sets it";
    s3 = open("");
    bucket = "mnp-contract-" + std::to_string(static_cast<int64_t>(wall_seconds() * 1e6));
    const auto made = s3->put({bucket, ""}, "");
    ASSERT_TRUE(made) << "no bucket: " << made.error().text;
  }
  std::optional<S3> open(const std::string& secret) {
    auto settings = Settings::load({}, process_variables());
    EXPECT_TRUE(settings) << settings.error().text;
    Provider credentials = default_credentials(*settings, transport);
    if (!secret.empty()) {
      Credentials wrong = *credentials->get();
      wrong.secret_key = secret;
      credentials = fixed_credentials(wrong);
    }
    auto made = S3::create(*settings, transport, credentials);
    EXPECT_TRUE(made) << made.error().text;
    return *made;
  }
  S3Place at(const std::string& key) const { return {bucket, key}; }
  std::vector<std::string> keys(const std::string& prefix) {
    std::vector<std::string> found;
    const auto all = s3->list_all(at(prefix), [&](S3Listed one) { found.push_back(one.key); });
    EXPECT_TRUE(all) << all.error().text;
    return found;
  }

  std::shared_ptr<CurlTransport> transport = std::make_shared<CurlTransport>();
  std::optional<S3> s3;
  std::string bucket;
};

TEST_F(S3Contract, WhatIsPutIsThere) {
  S3PutOptions options;
  options.metadata = {{"crc32c", "12345678"}};
  const auto put = s3->put(at("a/b"), "hello world", options);
  ASSERT_TRUE(put) << put.error().text;
  const auto info = s3->head(at("a/b"));
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->bytes, 11U);
  EXPECT_EQ(info->etag, put->etag);
  EXPECT_EQ(header(info->metadata, "crc32c"), "12345678");
  const auto object = s3->get(at("a/b"));
  ASSERT_TRUE(object) << object.error().text;
  EXPECT_EQ(object->bytes, "hello world");
  const auto part = s3->get(at("a/b"), S3Range{6, 3}, put->etag);
  ASSERT_TRUE(part) << part.error().text;
  EXPECT_EQ(part->bytes, "wor");
  EXPECT_EQ(part->info.bytes, 11U);
  ASSERT_TRUE(s3->put(at("a/b"), "another", {}));
  const auto changed = s3->get(at("a/b"), S3Range{0, 3}, put->etag);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Code::kExists) << changed.error().text;
  ASSERT_TRUE(s3->remove(at("a/b")));
  ASSERT_TRUE(s3->remove(at("a/b"))) << "twice";
  const auto gone = s3->get(at("a/b"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::kNotFound) << gone.error().text;
  EXPECT_NE(gone.error().text.find("s3://" + bucket + "/a/b"), std::string::npos);
}

TEST_F(S3Contract, EveryKeyIsItself) {
  const std::vector<std::string> odd = {"a b c+d=\xC3\xA9~*'()!@:,;%41.txt",
                                        "x//y/../z/./q",
                                        "tail/",
                                        "p/100%",
                                        "p/a&b<c>\"d\"",
                                        "p/#frag?query=1",
                                        "p/\xE1\x88\xB4\xF0\x9F\x98\x82",
                                        "..",
                                        ".",
                                        "p/plus+space x",
                                        "back\\slash",
                                        std::string(1000, 'k')};
  for (const std::string& key : odd) {
    const auto put = s3->put(at(key), key);
    ASSERT_TRUE(put) << key << ": " << put.error().text;
  }
  for (const std::string& key : odd) {
    const auto got = s3->get(at(key));
    ASSERT_TRUE(got) << key << ": " << got.error().text;
    EXPECT_EQ(got->bytes, key);
  }
  std::vector<std::string> sorted = odd;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(keys(""), sorted);
  for (const std::string& key : odd) EXPECT_TRUE(s3->remove(at(key)));
  EXPECT_TRUE(keys("").empty());
}

TEST_F(S3Contract, ListsPageByPage) {
  for (int i = 0; i < 1203; ++i) {
    const auto put = s3->put(at("n/" + std::to_string(10000 + i)), "");
    ASSERT_TRUE(put) << put.error().text;
  }
  ASSERT_TRUE(s3->put(at("other"), ""));
  EXPECT_EQ(keys("n/").size(), 1203U);
  EXPECT_EQ(keys("").size(), 1204U);
  const auto page = s3->list(at(""), "/");
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_EQ(page->folders, std::vector<std::string>{"n/"});
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "other");
  EXPECT_NEAR(page->objects[0].modified, wall_seconds(), 120);
  EXPECT_TRUE(keys("none").empty());
}

TEST_F(S3Contract, PartsBecomeOneObject) {
  const std::string first(5 << 20, 'a'), second = "the rest";
  TextSource first_part(first), second_part(second);
  const auto upload = s3->begin_upload(at("big"), {{"crc32c", "abc"}});
  ASSERT_TRUE(upload) << upload.error().text;
  const auto two = s3->upload_part(at("big"), *upload, 2, second_part);
  ASSERT_TRUE(two) << two.error().text;
  const auto one = s3->upload_part(at("big"), *upload, 1, first_part);
  ASSERT_TRUE(one) << one.error().text;
  const auto pending = s3->uploads(at("b"));
  ASSERT_TRUE(pending) << pending.error().text;
  ASSERT_EQ(pending->size(), 1U);
  EXPECT_EQ((*pending)[0].key, "big");
  EXPECT_EQ((*pending)[0].id, *upload);
  EXPECT_NEAR((*pending)[0].begun, wall_seconds(), 120);
  const auto done = s3->complete_upload(at("big"), *upload, {*one, *two});
  ASSERT_TRUE(done) << done.error().text;
  const auto object = s3->get(at("big"));
  ASSERT_TRUE(object) << object.error().text;
  EXPECT_EQ(object->bytes, first + second);
  EXPECT_EQ(header(object->info.metadata, "crc32c"), "abc");
  EXPECT_TRUE(s3->uploads(at(""))->empty());
}

TEST_F(S3Contract, AnAbortedUploadLeavesNothing) {
  const auto upload = s3->begin_upload(at("big"), {});
  ASSERT_TRUE(upload);
  TextSource part("x");
  ASSERT_TRUE(s3->upload_part(at("big"), *upload, 1, part));
  ASSERT_TRUE(s3->abort_upload(at("big"), *upload));
  ASSERT_TRUE(s3->abort_upload(at("big"), *upload)) << "twice";
  EXPECT_TRUE(s3->uploads(at(""))->empty());
  EXPECT_TRUE(keys("").empty());
}

TEST_F(S3Contract, AnAbsentObjectIsPutOnce) {
  S3PutOptions once;
  once.only_if_absent = true;
  const auto first = s3->put(at("claim"), "1", once);
  const bool conditional = first || first.error().status != 501;
  if (variable("S3_CONDITIONAL") == "no") {
    EXPECT_FALSE(conditional);
    return;
  }
  ASSERT_TRUE(first) << first.error().text;
  const auto second = s3->put(at("claim"), "2", once);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kExists) << second.error().text;
  EXPECT_EQ(s3->get(at("claim"))->bytes, "1");
}

TEST_F(S3Contract, AWrongSecretIsRefused) {
  ASSERT_TRUE(s3->put(at("k"), "v"));
  auto wrong = open("wrong");
  const auto refused = wrong->get(at("k"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied) << refused.error().text;
  EXPECT_NE(refused.error().text.find("s3:ListBucket"), std::string::npos);
  EXPECT_FALSE(wrong->put(at("k"), "w"));
}

TEST_F(S3Contract, AUrlIsEnoughForAWhile) {
  ASSERT_TRUE(s3->put(at("a b/c"), "shared"));
  const auto url = s3->presigned_get(at("a b/c"), 60);
  ASSERT_TRUE(url) << url.error().text;
  // As anybody would ask for it.
  HttpRequest request;
  const size_t path = url->find('/', 8), mark = url->find('?');
  request.endpoint = *Endpoint::parse(url->substr(0, path));
  request.path = url->substr(path, mark - path);
  std::string query = url->substr(mark + 1);
  for (size_t at = 0; at < query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    const std::string part = query.substr(at, end - at);
    const size_t equals = part.find('=');
    request.query.emplace_back(*percent_decode(part.substr(0, equals)),
                               *percent_decode(part.substr(equals + 1)));
    at = end + 1;
  }
  const auto answer = transport->send(request, {}, nullptr);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->body, "shared");
}

TEST_F(S3Contract, AStoreKeepsItsPromises) {
  S3Store store(*s3, at("lab"));
  store.sleep = [](Milliseconds) {};
  ASSERT_TRUE(store.put_new("runs/a", "first"));
  EXPECT_EQ(store.put_new("runs/a", "first").error().code, Code::kExists);
  ASSERT_TRUE(store.put("runs/a", "second"));
  EXPECT_EQ(*store.get("runs/a"), "second");
  EXPECT_EQ(store.get("runs/b").error().code, Code::kNotFound);
  ASSERT_TRUE(store.put("runs/b/c d", std::string("\0\xff", 2)));
  const std::map<std::string, uint64_t> sizes{{"runs/a", 6}, {"runs/b/c d", 2}};
  EXPECT_EQ(*store.sizes("runs"), sizes);
  EXPECT_EQ(*store.names("runs"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(store.names("none")->empty());
  EXPECT_NEAR(*store.modified("runs/a"), wall_seconds(), 600);
  EXPECT_EQ(store.modified("runs/c").error().code, Code::kNotFound);
  const auto file = store.file("runs/b/c d");
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(*read_file(file->path), std::string("\0\xff", 2));
  EXPECT_EQ(store.file("runs/c").error().code, Code::kNotFound);
  ASSERT_TRUE(store.put_secret("key", "secret"));
  EXPECT_EQ(store.put_secret("key", "other").error().code, Code::kExists);
  EXPECT_EQ(*store.list("runs"), (std::vector<std::string>{"runs/a", "runs/b/c d"}));
  const auto removed = store.remove("runs/a");
  EXPECT_TRUE(removed) << removed.error().text;
  EXPECT_TRUE(store.remove("runs/a"));
  EXPECT_EQ(*store.list("runs"), std::vector<std::string>{"runs/b/c d"});
}

TEST_F(S3Contract, LargeFilesGoInParts) {
  const auto folder = TemporaryFolder::create("s3-contract-");
  std::string bytes(13 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); i += 97) bytes[i] = static_cast<char>(i * 31 >> 8);
  ASSERT_TRUE(replace_file(folder->path() / "big", bytes));
  TransferOptions options;
  options.part = 5 << 20;
  options.orphan_age = std::chrono::seconds(-60);
  const auto orphan = s3->begin_upload(at("x/big"), {});
  ASSERT_TRUE(orphan);
  S3Transfer transfer(*s3, options);
  const auto sent = transfer.upload_file(folder->path() / "big", at("x/big"));
  ASSERT_TRUE(sent) << sent.error().text;
  EXPECT_TRUE(s3->uploads(at(""))->empty()) << "the orphan is left";
  EXPECT_EQ(s3->head(at("x/big"))->bytes, bytes.size());
  const auto fetched = transfer.download_folder(at("x"), folder->path() / "back");
  ASSERT_TRUE(fetched) << fetched.error().text;
  EXPECT_TRUE(*read_file(folder->path() / "back/big") == bytes);
  options.only_changed = true;
  S3Transfer again(*s3, options);
  ASSERT_TRUE(again.download_folder(at("x"), folder->path() / "back"));
  ASSERT_TRUE(again.upload_folder(folder->path() / "back", at("x")));
  EXPECT_EQ(again.progress().kept, 2U);
  EXPECT_EQ(again.progress().bytes, 0U);
}

TEST_F(S3Contract, ALargeFileIsPutOnConditionToo) {
  if (variable("S3_CONDITIONAL") == "no") GTEST_SKIP() << "this server knows no conditions";
  const auto folder = TemporaryFolder::create("s3-contract-");
  ASSERT_TRUE(replace_file(folder->path() / "big", std::string(6 << 20, 'x')));
  TransferOptions options;
  options.part = 5 << 20;
  S3Transfer transfer(*s3, options);
  S3PutOptions absent;
  absent.only_if_absent = true;
  ASSERT_TRUE(transfer.upload_file(folder->path() / "big", at("big"), absent));
  const auto again = transfer.upload_file(folder->path() / "big", at("big"), absent);
  if (again) GTEST_SKIP() << "this server takes no condition where an upload is completed";
  EXPECT_EQ(again.error().code, Code::kExists) << again.error().text;
  S3PutOptions replacing;
  replacing.only_if_etag = s3->head(at("big"))->etag;
  const auto replaced = transfer.upload_file(folder->path() / "big", at("big"), replacing);
  EXPECT_TRUE(replaced) << replaced.error().text;
  EXPECT_TRUE(s3->uploads(at(""))->empty());
}

}  // namespace
}  // namespace mnp::aws
