#include "mnp/node/spawn.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

const SpawnRequest kRequest{"10.0.0.7",
                            "/usr/bin/orted",
                            {"-mca", "ess", "", "a b"},
                            {{"PATH", {{false, "/usr/bin:"}, {true, "PATH"}}}, {"OPAL_PREFIX", {}}}};

TEST(SpawnFrames, RequestComesBackAsTheSame) {
  const auto again = decode_spawn_request(encode(kRequest));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(*again, kRequest);
}

TEST(SpawnFrames, ACutOrLongerRequestIsAnError) {
  const std::string bytes = encode(kRequest);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_spawn_request(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_spawn_request(bytes + "x"));
  EXPECT_FALSE(decode_spawn_request(std::string(1 << 20, '\xff')));
}

TEST(SpawnFrames, AnExitComesBackAsTheSame) {
  const auto code = decode_spawn_exit(encode(SpawnExit{7, 0}));
  const auto signal = decode_spawn_exit(encode(SpawnExit{0, 9}));
  ASSERT_TRUE(code && signal);
  EXPECT_EQ(code->status(), 7);
  EXPECT_EQ(signal->status(), 137);
  EXPECT_FALSE(decode_spawn_exit("short"));
}

TEST(SpawnFrames, TheIdStandsInFront) {
  const std::string bytes = with_spawn_id(77, "payload");
  const auto parts = split_spawn_id(bytes);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->id, 77U);
  EXPECT_EQ(parts->payload, "payload");
  EXPECT_FALSE(split_spawn_id("1234567"));
}

}  // namespace
}  // namespace mnp::node
