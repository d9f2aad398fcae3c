#include "aws/http.hpp"

#include <gtest/gtest.h>

namespace mnp::aws {
namespace {

TEST(Http, HeadersAreFoundInAnyCase) {
  const Headers headers = {{"ETag", "one"}, {"etag", "two"}, {"x", ""}};
  EXPECT_EQ(header(headers, "etag"), "one");
  EXPECT_EQ(header(headers, "X"), "");
  EXPECT_EQ(header(headers, "eta"), "");
}

TEST(Http, AUrlHasAllParts) {
  HttpRequest request;
  request.endpoint = *Endpoint::parse("http://127.0.0.1:8080/bucket");
  request.path = "/a%20b";
  EXPECT_EQ(request.url(), "http://127.0.0.1:8080/bucket/a%20b");
  request.query = {{"uploads", ""}, {"k", "v w"}};
  EXPECT_EQ(request.url(), "http://127.0.0.1:8080/bucket/a%20b?uploads=&k=v%20w");
}

}  // namespace
}  // namespace mnp::aws
