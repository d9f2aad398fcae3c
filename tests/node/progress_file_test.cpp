#include "mnp/node/progress_file.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "waiting.hpp"

namespace mnp::node {
namespace {

class ProgressFileTest : public testing::Test {
 protected:
  void write(const std::string& state) {
    model::Progress progress;
    progress.state = state;
    file.write(progress, [this] { return owner.load(); });
  }
  std::string stored() {
    EXPECT_TRUE(errands.finish(Clock::now() + kHangs));
    const auto text = store->get("progress.json");
    return text ? model::progress_from_json(*text)->state : "";
  }
  std::atomic<bool> owner{true};
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  Errands errands;
  ProgressFile file{errands, store, "progress.json"};
};

TEST_F(ProgressFileTest, TheLastWordStands) {
  for (const char* state : {"JOINING", "RUNNING", "REDUCING"}) write(state);
  EXPECT_EQ(stored(), "REDUCING");
}

TEST_F(ProgressFileTest, AMainThatMayHaveASuccessorDoesNotWriteOverIt) {
  write("REDUCING");
  EXPECT_EQ(stored(), "REDUCING");
  std::promise<void> go;  // until when the store answers nothing
  errands.add("slow", [gate = go.get_future().share()] { gate.wait(); });
  write("RUNNING");
  owner = false;
  go.set_value();
  EXPECT_EQ(stored(), "REDUCING");
}

}  // namespace
}  // namespace mnp::node
