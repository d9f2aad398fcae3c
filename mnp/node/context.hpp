// What every part of a node knows about its stage, gathered once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/s3_session.hpp"
#include "aws/s3_store.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/ownership.hpp"
#include "mnp/model/plan.hpp"
#include "mnp/node/identify.hpp"

namespace mnp::node {

/// Folders of one agent on the node's own disk; gone when the node ends in order.
struct Scratch {
  fs::path root;
  fs::path inputs() const { return root / "inputs"; }
  fs::path received() const { return root / "received"; }  // broadcast files arrive here
  fs::path reduced() const { return root / "reduced"; }    // arrays on their way to or from S3
  fs::path slots() const { return root / "slots"; }
  fs::path shared() const { return root / "scratch"; }  // $MNP_SCRATCH
  fs::path temporary() const { return root / "tmp"; }   // TMPDIR of MPI daemons and ranks
  std::string socket() const { return (root / "agent.sock").string(); }
};

struct Context {
  Identity me;
  Incarnation incarnation{1};
  model::Plan plan;
  std::string stage_name;
  std::shared_ptr<aws::S3Session> s3 = std::make_shared<aws::S3Session>();
  std::shared_ptr<Store> store;
  std::shared_ptr<aws::S3Store> bucket;  // the same, where it lies in S3
  std::string store_place;               // an absolute folder, or s3://BUCKET/PREFIX
  OwnerNumber owner;
  Scratch scratch;
  std::shared_ptr<FileLock> lock;  // of a raw run: `mnp rm` leaves what is under way alone

  const model::StagePlan& stage() const { return *plan.find(stage_name); }
  const model::StageSpec& spec() const { return stage().spec; }
  /// What the stage's list holds now: it may have been edited since the plan was made.
  void set_commands(uint32_t count);
  /// Between two group commits: few requests to S3, which has them within 2 s all the same.
  Milliseconds commit_interval() const { return Milliseconds(in_s3() ? 1000 : 50); }
  bool in_s3() const { return aws::is_s3(store_place); }
  /// Where an object of a store that is a folder lies.
  fs::path path(const std::string& key) const { return fs::path(store_place) / key; }
  bool is_program() const { return !spec().program.empty(); }
  model::RunKeys run_keys() const { return model::RunKeys::of(me.run); }
  model::StageKeys keys() const { return model::StageKeys::of(run_keys(), stage_name); }
  model::AttemptKeys attempt() const { return model::AttemptKeys::of(keys(), me.job, me.attempt); }
};

/// Opens the store and makes the scratch folders. The plan is not there yet.
Result<Context> make_context(const Identity& me, Incarnation incarnation);

/// Main only: the run's plan from the store, or a plan of one stage for a raw container.
Status load_plan(Context& context);

/// Environment of everything that this node starts for the stage, without what differs between
/// commands: the container's own without secrets and without what is ours, plus the MNP_* and
/// torch-style variables. Source of the names: mnp/model/environment.hpp.
std::vector<std::string> stage_environment(const Context& context, uint32_t nodes_joined,
                                           uint32_t node_rank);

}  // namespace mnp::node
