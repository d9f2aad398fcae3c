// A stage as its main node sees it: context, loop, a journal whose commits a test may hold up.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "mnp/core/loop.hpp"
#include "mnp/node/context.hpp"
#include "mnp/node/journal_thread.hpp"
#include "mnp/node/socket_address.hpp"
#include "waiting.hpp"

namespace mnp::node {

/// Commits wait while it is shut.
class GatedStore : public MemoryStore {
 public:
  Status put_new(const std::string& key, std::string_view bytes) override {
    {
      std::unique_lock lock(mutex_);
      open_.wait(lock, [this] { return !shut_; });
    }
    return MemoryStore::put_new(key, bytes);
  }
  void shut(bool shut) {
    {
      const std::scoped_lock lock(mutex_);
      shut_ = shut;
    }
    open_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable open_;
  bool shut_ = false;
};

class StageTest : public testing::Test {
 protected:
  static constexpr uint32_t kMain = 1;  // not 0: Batch does not promise it

  StageTest() {
    Identity me;
    me.job = "job-1";
    me.index = me.main_index = NodeIndex(kMain);
    me.nodes = 4;
    me.own_address = address(kMain);
    me.port = free_port(me.own_address);
    me.run = "run-1";
    me.stage = "work";
    me.store = (folder.path() / "store").string();
    me.scratch_root = (folder.path() / "scratch").string();
    context = *make_context(me, Incarnation(1));
    context.owner = OwnerNumber(1);
    context.plan.run = me.run;
    context.plan.folder = folder.path().string();
    context.plan.stages.emplace_back();
    spec().name = me.stage;
    spec().nodes = me.nodes;
    spec().cwd = folder.path().string();
  }
  ~StageTest() override { journal_store.shut(false); }

  model::StageSpec& spec() { return context.plan.stages.front().spec; }
  /// 127.x.y.k, of this process alone.
  static std::string address(uint32_t node) {
    const auto pid = static_cast<uint32_t>(::getpid());
    return fmt::format("127.{}.{}.{}", 1 + pid / 250 % 250, 1 + pid % 250, 10 + node);
  }
  static int free_port(const std::string& at) {
    auto any = parse_address(at, 0);
    const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd.get(), any->get(), any->size), 0);
    sockaddr_in got{};
    socklen_t size = sizeof got;
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&got), &size), 0);
    return ntohs(got.sin_port);
  }
  bool until(const std::function<bool()>& condition) {
    const TimePoint deadline = Clock::now() + kHangs;
    while (!condition() && Clock::now() < deadline)
      loop.run_once(std::min(deadline, Clock::now() + Milliseconds(50)));
    return condition();
  }
  /// Until what runs in the loop stops it.
  void run_to_the_end() {
    const Loop::TimerId limit = loop.after(kHangs, [this] {
      ADD_FAILURE() << "hangs";
      loop.stop();
    });
    loop.run();
    loop.cancel(limit);
  }
  /// Lets everything happen that is due: what must not come would have come.
  void settle(Milliseconds time = Milliseconds(100)) {
    const TimePoint end = Clock::now() + time;
    while (Clock::now() < end) loop.run_once(end);
  }
  /// `committed` is called in the loop.
  void open_journal(std::function<void(uint64_t)> committed) {
    journal = std::make_unique<JournalThread>(
        model::JournalWriter(journal_store, "journal"), Milliseconds(1), Milliseconds(60000),
        JournalThread::Callbacks{[this, committed = std::move(committed)](uint64_t through) {
                                   loop.post([committed, through] { committed(through); });
                                 },
                                 [](const Error& error) { ADD_FAILURE() << error.text; }});
  }
  template <class Event>
  std::vector<Event> journaled() {
    std::vector<Event> found;
    EXPECT_TRUE(model::read_journal(journal_store, "journal", [&](const model::JournalLine& line) {
      if (const auto* event = std::get_if<Event>(&line.event)) found.push_back(*event);
    }));
    return found;
  }

  TemporaryFolder folder = *TemporaryFolder::create("stage-test-");
  Loop loop;
  Context context;
  GatedStore journal_store;
  std::unique_ptr<JournalThread> journal;
};

}  // namespace mnp::node
