#include <gtest/gtest.h>

#include "launcher/local_attempt.hpp"

namespace mnp::launcher {
namespace {

using Indexes = std::vector<uint32_t>;

class LostNodes : public testing::Test {
 protected:
  Indexes lost_in(const std::string& text) {
    const fs::path file = folder.path() / "nodes.json";
    EXPECT_TRUE(replace_file(file, text));
    return lost_nodes(file);
  }
  TemporaryFolder folder = *TemporaryFolder::create("lost-nodes-test-");
};

TEST_F(LostNodes, AreThoseWhoseStateSaysSo) {
  const std::string list = R"([{"node": 0, "state": "joined"}, {"node": 3, "state": "lost"},
                               {"node": 1, "state": "left"}, {"node": 2, "state": "lost"}])";
  EXPECT_EQ(lost_in(list), (Indexes{3, 2}));
  EXPECT_EQ(lost_in("{\"nodes\": " + list + "}"), (Indexes{3, 2}));
}

TEST_F(LostNodes, WithoutAFileThereAreNone) {
  EXPECT_EQ(lost_nodes(folder.path() / "nodes.json"), Indexes{});
}

TEST_F(LostNodes, DamagedFileNamesNone) {
  for (const char* text : {"", "[", R"([{"node": 1, "state": "lost"})", "7", "\"lost\"", "{}",
                           R"({"nodes": 1})", R"({"nodes": {"node": 1, "state": "lost"}})"})
    EXPECT_EQ(lost_in(text), Indexes{}) << text;
}

TEST_F(LostNodes, EntriesThatMakeNoSenseArePassedOver) {
  EXPECT_EQ(lost_in(R"([null, 1, "lost", [], {}, {"node": 1}, {"state": "lost"},
                        {"node": -1, "state": "lost"}, {"node": "1", "state": "lost"},
                        {"node": 1.5, "state": "lost"}, {"node": 1, "state": 5},
                        {"node": 4, "state": "lost"}])"),
            Indexes{4});
}

}  // namespace
}  // namespace mnp::launcher
