#include "launcher/earlier_costs.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace mnp::launcher {
namespace {

class EarlierCosts : public testing::Test {
 protected:
  /// A run whose commands, where they have a time, succeeded in so many seconds.
  void ran(const std::string& id, const std::string& list, const std::vector<double>& seconds,
           const std::string& more = "") {
    const RunFolder run = run_folder(folder.path(), id);
    ASSERT_TRUE(run.store->put(run.keys().plan(), "{}"));
    ASSERT_TRUE(run.store->put(run.stage("a").commands(), list));
    std::string rows;
    for (size_t i = 0; i < seconds.size(); ++i)
      rows += fmt::format(R"({{"index":{},"state":"{}","start":1000,"end":{}}})", i,
                          seconds[i] > 0 ? "succeeded" : "failed", 1000 + seconds[i]) +
              "\n";
    ASSERT_TRUE(run.store->put(run.stage("a").outcomes(), rows + more));
  }
  std::string hinted(const std::string& text, const std::string& pipeline = "demo") {
    const auto list = model::CommandList::parse(text, "list");
    const auto made = with_earlier_costs(folder.path(), pipeline, "a", *list);
    if (!made) return "<none>";
    const auto again = model::CommandList::parse(made->text, "made");
    EXPECT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->identities(), list->identities());
    return made->text;
  }

  TemporaryFolder folder = *TemporaryFolder::create("earlier-costs-test-");
  const std::string first = "demo-20260131-142501-k3f9", second = "demo-20260201-142501-k3f9";
};

TEST_F(EarlierCosts, AreThoseOfCommandsThatSucceeded) {
  EXPECT_EQ(hinted("a\n"), "<none>");
  ran(first, "a\nb\nc\n", {2.5, 0, 0.25});
  EXPECT_EQ(hinted("c\nb\na\nnew\n"), "c # cost=0.25\nb\na # cost=2.5\nnew\n");
  EXPECT_EQ(hinted("x\ny\n"), "<none>") << "the run has none of them";
  EXPECT_EQ(hinted("a\n", "other"), "<none>") << "another pipeline";
}

TEST_F(EarlierCosts, OfANewerRunStandFirstAndOlderOnesFillIn) {
  ran(first, "a\nb\nc\n", {2.5, 3, 4});
  ran(second, "a\nb\n", {1, 0});
  EXPECT_EQ(hinted("a\nb\nc\n"), "a # cost=1\nb # cost=3\nc # cost=4\n");
}

TEST_F(EarlierCosts, HintsOfTheListStandFirst) {
  ran(first, "a\nb\n", {2.5, 3});
  EXPECT_EQ(hinted("# comment\n\na # cost=7\nb\n"), "a # cost=7\nb # cost=3\n");
}

TEST_F(EarlierCosts, EqualLinesAreToldApart) {
  ran(first, "a\na\n", {1, 2});
  EXPECT_EQ(hinted("a\na\na\n"), "a # cost=1\na # cost=2\na\n");
}

TEST_F(EarlierCosts, LinesThatAHintWouldChangeGetNone) {
  ran(first, "a\nb \nc \\\n", {1, 2, 3});
  EXPECT_EQ(hinted("a\nb \nc \\\n"), "a # cost=1\nb \nc \\\n");
}

TEST_F(EarlierCosts, ShortOnesCountAsKnown) {
  ran(first, "a\n", {1e-7});
  EXPECT_EQ(hinted("a\n"), "a # cost=0.001\n");
}

TEST_F(EarlierCosts, DamagedRowsAreSkipped) {
  ran(first, "a\nb\n", {1},
      "{\"index\":1,\"state\":7}\nnonsense\n{\"index\":9,\"state\":\"succeeded\","
      "\"start\":1,\"end\":2}\n[]\n{\"index\":1,\"state\":\"succ");
  EXPECT_EQ(hinted("a\nb\n"), "a # cost=1\nb\n");
}

}  // namespace
}  // namespace mnp::launcher
