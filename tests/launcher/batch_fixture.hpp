// A local Batch whose nodes are a shell script that does what the job's environment says.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "launcher/local_batch.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {

inline constexpr char kStandIn[] = R"(#!/bin/bash
i=$AWS_BATCH_JOB_NODE_INDEX
say() { echo "$1 $MNP_STAGE $i" >> "$TEST_OUT/events"; }
rest() { sleep 100 & wait $!; }
trap 'say term; exit 40' TERM
env > "$TEST_OUT/$MNP_STAGE.$AWS_BATCH_JOB_ATTEMPT.$i.env"
echo "words of $i"
say start
if [ "$i" = "$AWS_BATCH_JOB_MAIN_NODE_INDEX" ]; then eval "$TEST_MAIN"; else eval "$TEST_CHILD"; fi
)";

/// Deadlines here are passed by hangs only.
inline constexpr std::chrono::seconds kHang{60};

struct Sandbox {
  /// `errands`: for attempts. They must end before the loop does.
  explicit Sandbox(std::shared_ptr<Errands> errands = nullptr, Milliseconds grace = kHang)
      : folder(*TemporaryFolder::create("launcher-test-")) {
    host.errands = std::move(errands);
    make("store"), make("tmp"), make("out");
    host.node_program = (folder.path() / "mnp-node").string();
    std::ofstream(host.node_program) << kStandIn;
    ::chmod(host.node_program.c_str(), 0755);
    host.local = folder.path() / "store";
    host.store = std::make_shared<FolderStore>(host.local);
    host.run = "demo-20260131-142501-k3f9";
    host.temporary = folder.path() / "tmp";
    host.grace = grace;
    host.retry_delay = Milliseconds(10);
  }
  void make(const char* name) const { ASSERT_TRUE(make_folders(folder.path() / name)); }
  fs::path out() const { return folder.path() / "out"; }

  model::SubmitJob job(const std::string& stage, uint32_t nodes, const std::string& main,
                       const std::string& child = "rest") const {
    model::SubmitJob request;
    request.name = "demo-" + stage;
    request.queue = "local";
    request.num_nodes = nodes;
    request.environment = {{"MNP_STAGE", stage},
                           {"TEST_OUT", out().string()},
                           {"TEST_MAIN", main},
                           {"TEST_CHILD", child}};
    return request;
  }
  std::vector<std::string> events() const {
    const auto text = read_file(out() / "events");
    auto lines = text ? split(trim(*text), '\n') : std::vector<std::string>{};
    return lines;
  }
  size_t count(const std::string& start) const {
    size_t found = 0;
    for (const auto& event : events()) found += starts_with(event, start) ? 1 : 0;
    return found;
  }
  std::map<std::string, std::string> environment_of(const std::string& name) const {
    std::map<std::string, std::string> variables;
    const auto text = read_file(out() / (name + ".env"));
    for (const auto& line : split(text ? *text : "", '\n'))
      if (const size_t equals = line.find('='); equals != std::string::npos)
        variables[line.substr(0, equals)] = line.substr(equals + 1);
    return variables;
  }

  TemporaryFolder folder;
  LocalHost host;
};

class LocalBatchTest : public testing::Test {
 protected:
  explicit LocalBatchTest(Milliseconds grace = kHang) : box(std::make_shared<Errands>(), grace) {}

  bool run_until(const std::function<bool()>& done) {
    const TimePoint deadline = Clock::now() + kHang;
    while (!done() && Clock::now() < deadline) loop.run_once(Clock::now() + Milliseconds(20));
    return done();
  }
  model::JobDetail detail(const std::string& id) { return batch.describe({id})->front(); }
  model::JobDetail run_to_end(const std::string& id) {
    EXPECT_TRUE(run_until([&] { return model::has_ended(detail(id).state); }));
    return detail(id);
  }

  Loop loop;
  Sandbox box;
  LocalBatch batch{loop, box.host};
};

}  // namespace mnp::launcher
