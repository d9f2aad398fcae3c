#include "mnp/node/identify.hpp"

#include <gtest/gtest.h>

#include <map>

namespace mnp::node {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Identity> identity_of(const Variables& variables) {
  return identify([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}
Variables with(Variables base, const Variables& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}
/// The text of a kConfig error.
std::string refusal(const Variables& variables) {
  const auto me = identity_of(variables);
  if (me) return "";
  EXPECT_EQ(me.error().code, Code::kConfig);
  return me.error().text;
}
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const Variables kOurs = {{"MNP_STORE", "/store"}, {"MNP_RUN", "r-1"}, {"MNP_STAGE", "s"}};
const Variables kMain = with(kOurs, {{"AWS_BATCH_JOB_ID", "0a1b#2"},
                                     {"AWS_BATCH_JOB_ATTEMPT", "3"},
                                     {"AWS_BATCH_JOB_NUM_NODES", "4"},
                                     {"AWS_BATCH_JOB_NODE_INDEX", "2"},
                                     {"AWS_BATCH_JOB_MAIN_NODE_INDEX", "2"}});
const Variables kChild =
    with(kMain, {{"AWS_BATCH_JOB_ID", "0a1b#0"},
                 {"AWS_BATCH_JOB_NODE_INDEX", "0"},
                 {"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", "10.0.3.7"}});
const Variables kRaw = {{"AWS_BATCH_JOB_ID", "0a1b#0"},
                        {"AWS_BATCH_JOB_NUM_NODES", "2"},
                        {"AWS_BATCH_JOB_NODE_INDEX", "0"},
                        {"LIST_FILE_S3_PATH", "/lists/all.txt"}};

TEST(Identify, MainMayHaveAnotherIndexThanZero) {
  const auto me = identity_of(kMain);
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_TRUE(me->in_batch && me->is_main());
  EXPECT_EQ(me->job, "0a1b");
  EXPECT_EQ(me->attempt, 3U);
  EXPECT_EQ(me->nodes, 4U);
  EXPECT_EQ(me->index, NodeIndex(2));
  EXPECT_EQ(me->main_index, NodeIndex(2));
  EXPECT_EQ(me->main_address, "");
  EXPECT_EQ(me->run, "r-1");
  EXPECT_EQ(me->stage, "s");
  EXPECT_FALSE(me->raw);
  EXPECT_EQ(me->port, 26117);
  EXPECT_EQ(me->label(), "node 2");
}

TEST(Identify, TimeAsleepCountsForALeaseBetweenMachinesOnly) {
  const auto clock = [](const Variables& variables) {
    return identity_of(variables)->lease_clock().id();
  };
  EXPECT_EQ(clock(kMain), CLOCK_BOOTTIME);
  EXPECT_EQ(clock(kChild), CLOCK_BOOTTIME);
  EXPECT_EQ(clock(with(kMain, {{"MNP_NODE_ADDRESS", "10.0.3.8"}})), CLOCK_BOOTTIME);
  // A local Batch's nodes, and a list that somebody runs on a laptop.
  EXPECT_EQ(clock(with(kMain, {{"MNP_NODE_ADDRESS", "127.3.1.1"}})), CLOCK_MONOTONIC);
  EXPECT_EQ(clock(with(kChild, {{"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", "127.3.1.1"}})),
            CLOCK_MONOTONIC);
  EXPECT_EQ(clock({{"LIST_FILE_S3_PATH", "list.txt"}}), CLOCK_MONOTONIC);
}

TEST(Identify, AWordThatMeansNothingIsRefusedWithWhatIsAllowed) {
  const struct {
    const char *name, *value, *allowed;
  } cases[] = {
      {"MNP_LOG", "loud", "debug, info, warning or error"},
      {"MNP_LOG", "off", "debug, info, warning or error"},
      {"MNP_FRESH_FAILURES", "yes", "0 or 1"},
      {"MNP_LIFELINE_FD", "nine", "a whole number from 0"},
      {"MNP_LIFELINE_FD", "-1", "a whole number from 0"},
      {"MNP_PORT", "80", "a whole number from 1024"},
      {"MNP_NODE_ADDRESS", "localhost", "a numeric IPv4 address"},
      {"MNP_RUN", "../other", "the name of a run"},
      {"MNP_STAGE", "..", "the name of a stage"},
  };
  for (const auto& one : cases) {
    const std::string text = refusal(with(kMain, {{one.name, one.value}}));
    EXPECT_TRUE(holds(text, std::string(one.name) + "='" + one.value + "'")) << text;
    EXPECT_TRUE(holds(text, one.allowed)) << text;
  }
  const auto me = identity_of(
      with(kMain, {{"MNP_LOG", "warning"}, {"MNP_FRESH_FAILURES", "0"}, {"MNP_LIFELINE_FD", "7"}}));
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_FALSE(me->fresh_failures);
  EXPECT_EQ(me->lifeline, 7);
}

TEST(Identify, AChildKnowsMainsAddress) {
  const auto me = identity_of(kChild);
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_FALSE(me->is_main());
  EXPECT_EQ(me->index, NodeIndex(0));
  EXPECT_EQ(me->main_index, NodeIndex(2));
  EXPECT_EQ(me->main_address, "10.0.3.7");
}

TEST(Identify, AChildWithoutMainsAddressSaysSo) {
  Variables variables = kChild;
  variables.erase("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS");
  const std::string text = refusal(variables);
  EXPECT_TRUE(holds(text, "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS")) << text;
  EXPECT_TRUE(holds(text, "node 0 of 4")) << text;
}

TEST(Identify, AddressesAreNumbers) {
  constexpr const char* kMainAddress = "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS";
  const std::string mains = refusal(with(kChild, {{kMainAddress, "main.local"}}));
  EXPECT_TRUE(holds(mains, "main.local")) << mains;
  const std::string own = refusal(with(kChild, {{"MNP_NODE_ADDRESS", "foo"}}));
  EXPECT_TRUE(holds(own, "MNP_NODE_ADDRESS")) << own;
}

TEST(Identify, AddressOnMainItselfIsNotUsed) {
  const auto me =
      identity_of(with(kMain, {{"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", "10.0.3.7"}}));
  ASSERT_TRUE(me);
  EXPECT_EQ(me->main_address, "");
}

TEST(Identify, AMultiNodeJobOfOneNode) {
  const auto me = identity_of(with(kOurs, {{"AWS_BATCH_JOB_ID", "0a1b#0"},
                                           {"AWS_BATCH_JOB_NUM_NODES", "1"},
                                           {"AWS_BATCH_JOB_NODE_INDEX", "0"},
                                           {"AWS_BATCH_JOB_MAIN_NODE_INDEX", "0"}}));
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_TRUE(me->is_main());
  EXPECT_EQ(me->nodes, 1U);
  EXPECT_EQ(me->job, "0a1b");
}

TEST(Identify, APlainJobIsMainOfOneNode) {
  const auto me =
      identity_of(with(kOurs, {{"AWS_BATCH_JOB_ID", "0a1b"}, {"AWS_BATCH_JOB_ATTEMPT", "2"}}));
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_TRUE(me->in_batch && me->is_main());
  EXPECT_EQ(me->nodes, 1U);
  EXPECT_EQ(me->attempt, 2U);
}

TEST(Identify, WithoutBatchItIsLocal) {
  const auto me = identity_of(kOurs);
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_FALSE(me->in_batch);
  EXPECT_EQ(me->job, "local");
  EXPECT_TRUE(me->is_main());
  EXPECT_EQ(me->attempt, 1U);
}

TEST(Identify, NumbersThatAreNoneNameVariableAndValue) {
  const std::map<std::string, std::vector<std::string>> bad = {
      {"AWS_BATCH_JOB_NUM_NODES", {"0", "-1", "4x", "ten", "10001", "99999999999999999999"}},
      {"AWS_BATCH_JOB_NODE_INDEX", {"4", "-1", "1.0", " 1"}},
      {"AWS_BATCH_JOB_MAIN_NODE_INDEX", {"4", "x"}},
      {"AWS_BATCH_JOB_ATTEMPT", {"0", "-2", "a"}},
      {"MNP_PORT", {"0", "80", "65535", "port"}}};
  for (const auto& [name, values] : bad)
    for (const std::string& value : values) {
      const std::string text = refusal(with(kMain, {{name, value}}));
      EXPECT_TRUE(holds(text, name + "='" + value + "'")) << name << "=" << value << ": " << text;
    }
}

TEST(Identify, AJobIdWithoutAnIdIsRefused) {
  EXPECT_TRUE(holds(refusal(with(kMain, {{"AWS_BATCH_JOB_ID", "#2"}})), "AWS_BATCH_JOB_ID"));
}

TEST(Identify, ARunNeedsItsStage) {
  Variables variables = kMain;
  variables.erase("MNP_STAGE");
  EXPECT_TRUE(holds(refusal(variables), "MNP_STAGE"));
}

TEST(Identify, RawContainerWithListAndStore) {
  const auto me = identity_of(with(kRaw, {{"MNP_STORE", "/store"}}));
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_TRUE(me->raw);
  EXPECT_EQ(me->run, "0a1b");
  EXPECT_EQ(me->stage, "main");
  EXPECT_EQ(me->list_file, "/lists/all.txt");
  EXPECT_EQ(me->store, "/store");
}

TEST(Identify, RawContainerWithSecret) {
  const auto me = identity_of(with(kRaw, {{"MNP_JOIN_SECRET", "s3cret"}, {"MNP_STAGE", "mine"}}));
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_TRUE(me->has_join_secret);
  EXPECT_EQ(me->store, "");
  EXPECT_EQ(me->stage, "mine");
}

TEST(Identify, UrlsOfOthersThanS3AreRefusedByTheirVariable) {
  for (const char* name : {"MNP_STORE", "LIST_FILE_S3_PATH"}) {
    const std::string text =
        refusal(with(kRaw, {{"MNP_JOIN_SECRET", "s3cret"}, {name, "http://x/y"}}));
    EXPECT_TRUE(holds(text, name) && holds(text, "http://x/y") && holds(text, "s3://")) << text;
  }
}

TEST(Identify, RawContainersWithNeitherAreRefusedWhereThereAreSeveral) {
  const std::string text = refusal(kRaw);
  EXPECT_TRUE(holds(text, "MNP_STORE") && holds(text, "MNP_JOIN_SECRET")) << text;
  EXPECT_FALSE(holds(text, "s3cret"));
  EXPECT_TRUE(identity_of(with(kRaw, {{"AWS_BATCH_JOB_NUM_NODES", "1"}})));
}

TEST(Identify, AKeyThatTheKeeperHoldsIsProofEnough) {
  const auto me = identify(
      [](const char* name) -> const char* {
        const auto found = kRaw.find(name);
        return found == kRaw.end() ? nullptr : found->second.c_str();
      },
      true);
  ASSERT_TRUE(me) << me.error().text;
  EXPECT_EQ(me->store, "");
  EXPECT_FALSE(me->has_join_secret);
}

TEST(Identify, RawMainNeedsAListAndAChildDoesNot) {
  Variables main = with(kRaw, {{"MNP_STORE", "/store"}});
  main.erase("LIST_FILE_S3_PATH");
  const std::string text = refusal(main);
  EXPECT_TRUE(holds(text, "LIST_FILE_S3_PATH") && holds(text, "MNP_RUN")) << text;
  EXPECT_TRUE(
      identity_of(with(main, {{"AWS_BATCH_JOB_NODE_INDEX", "1"},
                              {"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", "10.0.3.7"}})));
}

TEST(Identify, ScratchIsOursThenTmpdirThenTmp) {
  EXPECT_EQ(identity_of(kOurs)->scratch_root, "/tmp");
  EXPECT_EQ(identity_of(with(kOurs, {{"TMPDIR", "/t"}}))->scratch_root, "/t");
  EXPECT_EQ(identity_of(with(kOurs, {{"TMPDIR", "/t"}, {"MNP_SCRATCH_ROOT", "/s"}}))->scratch_root,
            "/s");
}

TEST(Identify, ReadsAddressPortAndFreshFailures) {
  const auto me = identity_of(with(
      kMain,
      {{"MNP_NODE_ADDRESS", "127.1.2.3"}, {"MNP_PORT", "30000"}, {"MNP_FRESH_FAILURES", "1"}}));
  ASSERT_TRUE(me);
  EXPECT_EQ(me->own_address, "127.1.2.3");
  EXPECT_EQ(me->port, 30000);
  EXPECT_TRUE(me->fresh_failures);
  EXPECT_FALSE(identity_of(kMain)->fresh_failures);
}

}  // namespace
}  // namespace mnp::node
