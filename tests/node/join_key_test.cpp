#include "mnp/node/join_key.hpp"

#include <gtest/gtest.h>

#include <new>

namespace mnp::node {
namespace {

TEST(JoinKey, TextComesBackAsTheSameKey) {
  const auto key = JoinKey::make();
  ASSERT_TRUE(key);
  const auto again = JoinKey::parse(key->text() + "\n");
  ASSERT_TRUE(again);
  EXPECT_TRUE(*key == *again);
  EXPECT_EQ(key->text().size(), 64U);
}

TEST(JoinKey, TwoAreNotTheSame) { EXPECT_FALSE(*JoinKey::make() == *JoinKey::make()); }

TEST(JoinKey, ErrorsDoNotQuoteTheKey) {
  const std::string digits(63, 'a');
  for (const std::string& bad : {digits, digits + "g", digits + "A", digits + "aa", std::string()}) {
    const auto key = JoinKey::parse(bad);
    ASSERT_FALSE(key) << bad;
    EXPECT_EQ(key.error().code, Code::kConfig);
    EXPECT_EQ(key.error().text.find("aaaa"), std::string::npos);
  }
}

TEST(JoinKey, DerivedKeysDependOnSecretJobAndAttempt) {
  const auto key = JoinKey::derive("s", "job-1", 1);
  ASSERT_TRUE(key);
  EXPECT_TRUE(*key == *JoinKey::derive("s", "job-1", 1));
  EXPECT_FALSE(*key == *JoinKey::derive("t", "job-1", 1));
  EXPECT_FALSE(*key == *JoinKey::derive("s", "job-2", 1));
  EXPECT_FALSE(*key == *JoinKey::derive("s", "job-1", 2));
  EXPECT_FALSE(JoinKey::derive("", "job-1", 1));
}

TEST(JoinKey, DerivesAsHkdfSha256OfAnotherImplementation) {
  EXPECT_EQ(JoinKey::derive("a secret", "0f5b-77", 2)->text(), "4eb0c5aa844e6f369982f69dafadd754c4699af579ff20ac289de9215dc2e45a");
}

TEST(JoinKey, IsWipedWhenItGoes) {
  alignas(JoinKey) unsigned char memory[sizeof(JoinKey)];
  auto* key = new (memory) JoinKey(*JoinKey::make());
  key->~JoinKey();
  for (const unsigned char byte : memory) EXPECT_EQ(byte, 0);
}

TEST(JoinKey, WipeEmptiesASecret) {
  std::string secret = "very secret words that do not fit into the string itself";
  wipe(secret);
  EXPECT_TRUE(secret.empty());
}

}  // namespace
}  // namespace mnp::node
