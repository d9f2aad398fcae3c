#include "mnp/node/peer_identity.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

TEST(PeerIdentity, TextComesBackAsTheSame) {
  const PeerIdentity identity{"9f0c-11:a", 2, NodeIndex(99), Incarnation(3), 4};
  EXPECT_EQ(to_text(identity), "mnp1|9f0c-11:a|2|99|3|4");
  const auto again = parse_identity(to_text(identity));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, identity);
}

TEST(PeerIdentity, TakesNothingElse) {
  const std::string bad[] = {
      "",
      "mnp1",
      "mnp2|job|1|0|1|1",
      "mnp1|job|1|0|1",
      "mnp1|job|1|0|1|1|",
      "mnp1||1|0|1|1",
      "mnp1|job|01|0|1|1",
      "mnp1|job|+1|0|1|1",
      "mnp1|job|-1|0|1|1",
      "mnp1|job| 1|0|1|1",
      "mnp1|job|1|0|1|4294967296",
      "mnp1|job|1|0|1|",
      "mnp1|job#2|1|0|1|1",
      "mnp1|jo b|1|0|1|1",
      std::string("mnp1|jo\0b|1|0|1|1", 18),
      std::string("mnp1|job|1|0|1|1\0", 17),
      "mnp1|" + std::string(129, 'j') + "|1|0|1|1",
      std::string(1000, '|'),
  };
  for (const std::string& text : bad) {
    const auto identity = parse_identity(text);
    ASSERT_FALSE(identity) << text;
    EXPECT_EQ(identity.error().code, Code::kProtocol);
  }
}

TEST(PeerIdentity, TheLongestFitsTheLimit) {
  const PeerIdentity identity{std::string(128, 'j'), UINT32_MAX, NodeIndex(UINT32_MAX),
                              Incarnation(UINT32_MAX), UINT32_MAX};
  EXPECT_LE(to_text(identity).size(), kMaxIdentity);
  EXPECT_TRUE(parse_identity(to_text(identity)));
}

}  // namespace
}  // namespace mnp::node
