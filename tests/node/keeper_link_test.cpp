#include "mnp/node/keeper_link.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace mnp::node {
namespace {

struct Ends {
  Fd keeper;
  LeasePage page;
  KeeperLink agent;
};
Ends make_ends() {
  auto pair = *make_keeper_link();
  return {std::move(pair.keeper), std::move(pair.page),
          KeeperLink(std::move(pair.agent), *LeasePage::open(pair.memory))};
}
LeaseTime at(int64_t nanosecond) {
  return LeaseTime(nanoseconds(nanosecond));
}

TEST(KeeperLink, CarriesDeadlineKeyAndStatus) {
  Ends ends = make_ends();
  EXPECT_FALSE(receive_from_agent(ends.keeper));
  const std::string key("\0key|\xff", 6);
  ends.agent.set_deadline(at(5));
  ends.agent.keep_key(key);
  ends.agent.finished(40);
  const auto first = receive_from_agent(ends.keeper);
  ASSERT_TRUE(first);
  EXPECT_EQ(ends.page.deadline(), at(5));
  EXPECT_FALSE(first->key || first->finished);
  const auto second = receive_from_agent(ends.keeper);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->key, key);
  EXPECT_FALSE(second->finished);
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
    KeeperLink agent(std::move(pair.agent), *LeasePage::open(pair.memory));
    agent.finished(7);
  }
  const auto heard = receive_from_agent(pair.keeper);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->finished, 7);
  EXPECT_FALSE(receive_from_agent(pair.keeper));
}

TEST(KeeperLink, OnlyTheFirstDeadlineIsAWordAndTheLastOneCounts) {
  Ends ends = make_ends();
  for (int i = 1; i <= 100000; ++i) ends.agent.set_deadline(at(i));
  EXPECT_EQ(ends.page.deadline(), at(100000));
  EXPECT_TRUE(receive_from_agent(ends.keeper));
  EXPECT_FALSE(receive_from_agent(ends.keeper));
}

TEST(KeeperLink, AFullOrBrokenLinkNeverBlocksTheAgent) {
  Ends ends = make_ends();
  for (int i = 0; i < 100000; ++i) ends.agent.keep_key("key");
  ends.keeper.reset();
  ends.agent.finished(1);
}

TEST(KeeperLink, APacketOfAnotherFormSaysNothing) {
  auto pair = *make_keeper_link();
  for (const std::string& packet :
       {std::string("\x01\0\0", 3), std::string("\x02"), std::string("\x03"), std::string("?")}) {
    ASSERT_EQ(::send(pair.agent.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
    const auto heard = receive_from_agent(pair.keeper);
    ASSERT_TRUE(heard);
    EXPECT_FALSE(heard->key || heard->finished);
  }
}

}  // namespace
}  // namespace mnp::node
