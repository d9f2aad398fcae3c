#include "aws/sigv4.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "aws/digest.hpp"
#include "memory_body.hpp"
#include "mnp/core/text.hpp"
#include "shared_input.hpp"

namespace mnp::aws {
namespace {

using nlohmann::json;

constexpr double kTime = 1440938160;  // 2015-08-30T12:36:00Z, of all cases

Query decoded_query(std::string_view text) {
  Query query;
  for (const std::string& part : split(text, '&')) {
    const size_t equals = part.find('=');
    query.emplace_back(*percent_decode(part.substr(0, equals)),
                       *percent_decode(equals == std::string::npos ? "" : part.substr(equals + 1)));
  }
  return query;
}

/// One of the cases that AWS's own signers are tested with.
struct Case {
  explicit Case(const json& from) : golden(from) {
    const json& context = from.at("context");
    const json& keys = context.at("credentials");
    credentials.access_key = keys.at("access_key_id");
    credentials.secret_key = keys.at("secret_access_key");
    credentials.session_token = keys.value("token", "");
    late_token = context.value("omit_session_token", false);
    rules = {context.at("region"), context.at("service"), context.at("normalize"), true,
             context.at("sign_body")};
    expires_in = context.at("expiration_in_seconds");
    const json& sent = from.at("request");
    body = sent.at("body");
    request.method = sent.at("method");
    const std::string uri = sent.at("uri");
    const size_t mark = uri.find('?');
    request.path = uri.substr(0, mark);
    if (mark != std::string::npos) request.query = decoded_query(uri.substr(mark + 1));
    request.endpoint.scheme = "https";
    for (const json& line : sent.at("headers"))
      if (line[0] == "Host")
        request.endpoint.host = line[1];
      else
        request.headers.emplace_back(line[0], line[1]);
  }
  json golden;
  Credentials credentials;
  SigningRules rules;
  HttpRequest request;
  std::string body;
  int expires_in = 0;
  bool late_token = false;  // added after signing, as some services want it
};

class Sigv4Suite : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = shared_input("vectors/sigv4-suite.json");
    if (!file) GTEST_SKIP() << file.error().text;
    const json suite = json::parse(*file);
    for (const json& one : suite.at("cases")) cases.emplace_back(one);
    ASSERT_EQ(cases.size(), 38U);
  }
  /// All three stages, by the request as it was signed.
  static void expect_stages(const Case& one, const json& golden, HttpRequest signed_request,
                            const std::string& hash) {
    const std::string date = amz_date(kTime);
    const CanonicalRequest canonical = canonical_request(signed_request, hash, one.rules);
    EXPECT_EQ(json(canonical.text), golden.at("canonical_request"));
    const std::string text = string_to_sign(canonical.text, date, one.rules);
    EXPECT_EQ(json(text), golden.at("string_to_sign"));
    EXPECT_EQ(json(signature(text, date, one.rules, one.credentials.secret_key)),
              golden.at("signature"));
  }
  std::vector<Case> cases;
};

constexpr auto kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string hash_of(const Case& one, const json& golden) {
  const std::string text = golden.at("canonical_request");
  return one.rules.hash_header ? text.substr(text.rfind('\n') + 1) : kEmptyHash;
}

TEST_F(Sigv4Suite, SignsHeadersInThreeStages) {
  for (Case& one : cases) {
    SCOPED_TRACE(one.golden.at("name"));
    if (one.late_token) one.credentials.session_token.clear();
    HttpRequest request = one.request;
    request.body = one.body;
    sign(request, one.credentials, one.rules, kTime);
    const std::string authorization = header(request.headers, "Authorization");
    const json& golden = one.golden.at("header");
    EXPECT_NE(authorization.find("Signature=" + golden.at("signature").get<std::string>()),
              std::string::npos)
        << authorization;
    for (const json& line : golden.at("signed_request").at("headers"))
      if (line[0] == "Authorization") {
        EXPECT_EQ(json(authorization), line[1]);
      }
    request.headers.pop_back();
    expect_stages(one, golden, request, hash_of(one, golden));
  }
}

TEST_F(Sigv4Suite, PresignsQueries) {
  for (Case& one : cases) {
    SCOPED_TRACE(one.golden.at("name"));
    if (one.late_token) one.credentials.session_token.clear();
    HttpRequest request = one.request;
    request.body = one.body;
    const json& golden = one.golden.at("query");
    const std::string hash = hash_of(one, golden);
    presign(request, one.credentials, one.rules, kTime, one.expires_in, hash);
    ASSERT_EQ(request.query.back().first, "X-Amz-Signature");
    EXPECT_EQ(json(request.query.back().second), golden.at("signature"));
    request.query.pop_back();
    expect_stages(one, golden, request, hash);
  }
}

/// From the documents of S3: "Examples: Signature Calculations in AWS Signature Version 4".
TEST(Sigv4S3, SignsAsInTheDocumentsOfS3) {
  Credentials credentials{
      "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", "", {}};
  HttpRequest request;
  request.endpoint = *Endpoint::parse("https://examplebucket.s3.amazonaws.com");
  request.path = "/test.txt";
  request.headers = {{"Range", "bytes=0-9"}};
  sign(request, credentials, s3_signing_rules("us-east-1"), 1369353600);
  EXPECT_EQ(header(request.headers, "authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  HttpRequest shared;
  shared.endpoint = request.endpoint;
  shared.path = "/test.txt";
  presign(shared, credentials, s3_signing_rules("us-east-1"), 1369353600, 86400, kUnsignedPayload);
  EXPECT_EQ(shared.query.back().second,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Sigv4S3, WhatIsPutOverTlsIsNotHashedOnceMore) {
  const Credentials credentials{"k", "s", "", "", {}};
  SigningRules rules = s3_signing_rules("us-east-1");
  rules.sign_put = SigningRules::SignPut::kWithoutTls;
  const auto hash_of = [&](const std::string& method, const std::string& url) {
    HttpRequest request;
    request.method = method;
    request.endpoint = *Endpoint::parse(url);
    request.body = "bytes";
    sign(request, credentials, rules, 1369353600);
    return header(request.headers, "x-amz-content-sha256");
  };
  EXPECT_EQ(hash_of("PUT", "https://b.s3.amazonaws.com"), kUnsignedPayload);
  EXPECT_EQ(hash_of("POST", "https://b.s3.amazonaws.com"), hex(sha256("bytes")));
  EXPECT_EQ(hash_of("PUT", "http://127.0.0.1:8080"), hex(sha256("bytes")));
  rules.sign_put = SigningRules::SignPut::kNever;
  EXPECT_EQ(hash_of("PUT", "http://127.0.0.1:8080"), kUnsignedPayload);
  EXPECT_EQ(hash_of("POST", "http://127.0.0.1:8080"), hex(sha256("bytes")));
  rules.sign_put = SigningRules::SignPut::kAlways;
  EXPECT_EQ(hash_of("PUT", "https://b.s3.amazonaws.com"), hex(sha256("bytes")));
}

TEST(Sigv4S3, ABodyThatIsReadIsHashedPieceByPiece) {
  const std::string bytes(1000003, 'b');
  for (const std::string& body : {bytes, std::string()}) {
    TextSource source(body);
    HttpRequest request;
    request.method = "PUT";
    request.endpoint = *Endpoint::parse("http://127.0.0.1:8080");
    request.source = &source;
    sign(request, {"k", "s", "", "", {}}, s3_signing_rules("us-east-1"), 1369353600);
    EXPECT_EQ(header(request.headers, "x-amz-content-sha256"), hex(sha256(body)));
  }
}

TEST(Sigv4S3, LeavesPathsAsTheyAre) {
  HttpRequest request;
  request.endpoint = *Endpoint::parse("http://127.0.0.1:8080");
  request.path = percent_encode_path("/bucket/x//y/../z/./a b+c");
  const auto canonical = canonical_request(request, kEmptyHash, s3_signing_rules("us-east-1"));
  EXPECT_NE(canonical.text.find("\n/bucket/x//y/../z/./a%20b%2Bc\n"), std::string::npos);
  EXPECT_NE(canonical.text.find("\nhost:127.0.0.1:8080\n"), std::string::npos);
}

}  // namespace
}  // namespace mnp::aws
