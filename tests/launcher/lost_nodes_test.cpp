#include <gtest/gtest.h>

#include "launcher/local_attempt.hpp"

namespace mnp::launcher {
namespace {

using Lost = std::vector<LostNode>;

class LostNodes : public testing::Test {
 protected:
  Lost lost_in(const std::string& text) {
    EXPECT_TRUE(store.put("nodes.json", text));
    return lost_nodes(store, "nodes.json");
  }
  MemoryStore store;
};

TEST_F(LostNodes, AreThoseWhoseStateSaysSo) {
  EXPECT_EQ(lost_in(R"({"nodes": [{"node": 0, "state": "joined"},
                                  {"node": 3, "state": "lost", "reason": "silent for 6 s"},
                                  {"node": 1, "state": "left", "reason": "drained"},
                                  {"node": 2, "state": "lost"}]})"),
            (Lost{{3, "silent for 6 s"}, {2, ""}}));
}

TEST_F(LostNodes, WithoutAFileThereAreNone) {
  EXPECT_EQ(lost_nodes(store, "nodes.json"), Lost{});
}

TEST_F(LostNodes, DamagedFileNamesNone) {
  for (const char* text : {"", "[", R"({"nodes": [{"node": 1, "state": "lost"})", "7", "\"lost\"",
                           "{}", R"({"nodes": 1})", R"({"nodes": {"node": 1, "state": "lost"}})"})
    EXPECT_EQ(lost_in(text), Lost{}) << text;
}

TEST_F(LostNodes, EntriesThatMakeNoSenseArePassedOver) {
  EXPECT_EQ(lost_in(R"({"nodes": [null, 1, "lost", [], {}, {"node": 1}, {"state": "lost"},
                        {"node": -1, "state": "lost"}, {"node": "1", "state": "lost"},
                        {"node": 1.5, "state": "lost"}, {"node": 1, "state": 5},
                        {"node": 4, "state": "lost", "reason": 7}]})"),
            (Lost{{4, ""}}));
}

}  // namespace
}  // namespace mnp::launcher
