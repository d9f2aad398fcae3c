#include "mnp/node/control.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

/// Every shorter and every longer message is an error.
template <class Decode>
void expect_exact(const std::string& bytes, const Decode& decode) {
  EXPECT_TRUE(decode(bytes));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode(bytes.substr(0, size))) << size << " of " << bytes.size();
  const auto longer = decode(bytes + "x");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, Code::kProtocol);
}

TEST(Control, JoinComesBackAsTheSame) {
  const Join said{"ip-10-0-3-7", "10.0.3.7", "2 x 24 cores", 48, uint64_t{96} << 30, 4};
  const std::string bytes = encode(said);
  const auto heard = decode_join(bytes);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->host, said.host);
  EXPECT_EQ(heard->address, said.address);
  EXPECT_EQ(heard->topology, said.topology);
  EXPECT_EQ(heard->cores, said.cores);
  EXPECT_EQ(heard->memory_bytes, said.memory_bytes);
  EXPECT_EQ(heard->gpus, said.gpus);
  expect_exact(bytes, decode_join);
}

TEST(Control, WelcomeComesBackAsTheSame) {
  const Welcome said{std::string("{\"run\":\"r\0\"}", 11), OwnerNumber(7), 15000, 3000};
  const std::string bytes = encode(said);
  const auto heard = decode_welcome(bytes);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->plan, said.plan);
  EXPECT_EQ(heard->owner, said.owner);
  EXPECT_EQ(heard->lease_ms, 15000U);
  EXPECT_EQ(heard->beat_ms, 3000U);
  expect_exact(bytes, decode_welcome);
}

TEST(Control, ReadyComesBackAsTheSame) {
  const std::string bytes = encode(Ready{3, "setup failed", 4});
  const auto heard = decode_ready(bytes);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->slots, 3U);
  EXPECT_EQ(heard->error, "setup failed");
  EXPECT_EQ(heard->code, 4U);
  expect_exact(bytes, decode_ready);
}

TEST(Control, EndComesBackAsTheSameWithANegativeStatusToo) {
  for (const int32_t status : {0, 10, 255, -1}) {
    const std::string bytes = encode(End{status, "over"});
    const auto heard = decode_end(bytes);
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->status, status);
    EXPECT_EQ(heard->text, "over");
    expect_exact(bytes, decode_end);
  }
}

TEST(Control, NumbersComeBackAsTheSame) {
  expect_exact(encode_u32(4000000000U), decode_u32);
  expect_exact(encode_u64(uint64_t{1} << 63), decode_u64);
  EXPECT_EQ(*decode_u32(encode_u32(4000000000U)), 4000000000U);
  EXPECT_EQ(*decode_u64(encode_u64(uint64_t{1} << 63)), uint64_t{1} << 63);
}

TEST(Control, ALengthThatLiesIsAnError) {
  EXPECT_FALSE(decode_join(std::string(64, '\xff')));
  EXPECT_FALSE(decode_end(std::string("\0\0\0\0\xff\xff\xff\x7fx", 9)));
}

}  // namespace
}  // namespace mnp::node
