#include "aws/uri.hpp"

#include <gtest/gtest.h>

namespace mnp::aws {
namespace {

TEST(Uri, EncodesAllButUnreservedBytes) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b/c+d=\xC3\xA9*'()%"), "a%20b%2Fc%2Bd%3D%C3%A9%2A%27%28%29%25");
  EXPECT_EQ(percent_encode_path("/a b/c"), "/a%20b/c");
  EXPECT_EQ(query_text({{"list-type", "2"}, {"prefix", "a/ b"}, {"uploads", ""}}),
            "list-type=2&prefix=a%2F%20b&uploads=");
}

TEST(Uri, DecodesWhatItEncodes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(*percent_decode(percent_encode(all)), all);
  EXPECT_EQ(*percent_decode("%e1%88%B4"), "\u1234");
  for (const char* wrong : {"%", "%4", "%4g", "a%zz", "%%41"})
    EXPECT_FALSE(percent_decode(wrong)) << wrong;
}

TEST(Endpoint, TakesUrlsApart) {
  const auto plain = Endpoint::parse("https://s3.us-east-1.amazonaws.com");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->authority(), "s3.us-east-1.amazonaws.com");
  EXPECT_EQ(plain->text(), "https://s3.us-east-1.amazonaws.com");
  const auto local = Endpoint::parse("http://127.0.0.1:8080/a/b/");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->authority(), "127.0.0.1:8080");
  EXPECT_EQ(local->path, "/a/b");
  EXPECT_EQ(Endpoint::parse("https://host:443")->authority(), "host");
  EXPECT_EQ(Endpoint::parse("http://host:443")->authority(), "host:443");
  const auto ipv6 = Endpoint::parse("http://[fd00:ec2::23]:80/v1");
  ASSERT_TRUE(ipv6);
  EXPECT_EQ(ipv6->host, "[fd00:ec2::23]");
  EXPECT_EQ(ipv6->port, "80");
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* wrong : {"", "host", "ftp://host", "http://", "http://:80", "http://host:0",
                            "http://host:65536", "http://host:x", "http://ho st", "http://h?a=b",
                            "http://[::1", "http://user@host", "https:///x"}) {
    const auto parsed = Endpoint::parse(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(parsed.error().text.find(std::string("'") + wrong + "'"), std::string::npos);
  }
}

}  // namespace
}  // namespace mnp::aws
