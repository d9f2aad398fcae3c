#include "mnp/node/keeper_link.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace mnp::node {
namespace {

struct Ends {
  Fd keeper;
  KeeperLink agent;
};
Ends make_ends() {
  auto pair = *make_keeper_link();
  return {std::move(pair.keeper), KeeperLink(std::move(pair.agent))};
}

TEST(KeeperLink, CarriesDeadlineKeyAndStatus) {
  Ends ends = make_ends();
  EXPECT_FALSE(receive_from_agent(ends.keeper));
  const TimePoint deadline = Clock::now() + std::chrono::seconds(5);
  const std::string key("\0key|\xff", 6);
  ends.agent.set_deadline(deadline);
  ends.agent.keep_key(key);
  ends.agent.finished(40);
  const auto first = receive_from_agent(ends.keeper);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->deadline, deadline);
  EXPECT_FALSE(first->key || first->finished);
  const auto second = receive_from_agent(ends.keeper);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->key, key);
  EXPECT_FALSE(second->deadline || second->finished);
  const auto third = receive_from_agent(ends.keeper);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->finished, 40);
  EXPECT_FALSE(receive_from_agent(ends.keeper));
}

TEST(KeeperLink, HandsAKeyOnToTheNextAgent) {
  Ends ends = make_ends();
  EXPECT_FALSE(ends.agent.kept_key());
  const std::string key(64, 'k');
  hand_on_key(ends.keeper, key);
  EXPECT_EQ(ends.agent.kept_key(), key);
  EXPECT_FALSE(ends.agent.kept_key());
}

TEST(KeeperLink, WhatWasSaidBeforeAnEndIsHeardAfterIt) {
  auto pair = *make_keeper_link();
  {
    KeeperLink agent(std::move(pair.agent));
    agent.finished(7);
  }
  const auto heard = receive_from_agent(pair.keeper);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->finished, 7);
  EXPECT_FALSE(receive_from_agent(pair.keeper));
}

TEST(KeeperLink, AFullOrBrokenLinkNeverBlocksTheAgent) {
  Ends ends = make_ends();
  for (int i = 0; i < 100000; ++i) ends.agent.set_deadline(TimePoint());
  ends.keeper.reset();
  ends.agent.finished(1);
}

TEST(KeeperLink, APacketOfAnotherFormSaysNothing) {
  auto pair = *make_keeper_link();
  for (const std::string& packet :
       {std::string("\x01"), std::string("\x01\0\0", 3), std::string("\x03"), std::string("?")}) {
    ASSERT_EQ(::send(pair.agent.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
    const auto heard = receive_from_agent(pair.keeper);
    ASSERT_TRUE(heard);
    EXPECT_FALSE(heard->deadline || heard->key || heard->finished);
  }
}

}  // namespace
}  // namespace mnp::node
