#include "mnp/node/context.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/node/inputs.hpp"

extern char** environ;

namespace mnp::node {
namespace {

/// Not handed on to commands: secrets, what only our own processes read, and the launcher's
/// variables that are set anew for each command.
bool handed_on(const std::string& name) {
  static const std::set<std::string> dropped = {
      model::kJoinSecret,    model::kLifeline,           model::kRunLock,
      model::kFreshFailures, model::kAgentSocket,        model::kRankFiles,
      model::kEpoch,         model::kNodeAddress,        model::kScratchRoot,
      model::kPort,          "AWS_BATCH_JOB_ARRAY_INDEX"};
  return dropped.count(name) == 0;
}

}  // namespace

Result<Context> make_context(const Identity& me, Incarnation incarnation) {
  Context context;
  context.me = me;
  context.incarnation = incarnation;
  context.stage_name = me.stage;
  context.store_place = me.store;
  if (me.store.empty()) context.store_place = (fs::path(me.scratch_root) / "mnp-runs").string();
  if (!context.in_s3()) context.store_place = fs::absolute(context.store_place).string();
  MNP_TRY(context.store, context.s3->store(context.store_place));
  context.bucket = std::dynamic_pointer_cast<aws::S3Store>(context.store);
  context.scratch.root = fs::absolute(me.scratch_root) /
                         fmt::format("mnp-{}-{}-{}.{}-{}", me.job.substr(0, 8), me.attempt,
                                     me.index.value(), incarnation.value(), ::getpid());
  for (const fs::path& folder :
       {context.scratch.inputs(), context.scratch.received(), context.scratch.slots(),
        context.scratch.shared(), context.scratch.temporary()})
    MNP_CHECK(make_folders(folder));
  return context;
}

namespace {

/// Raw containers run on AWS, whose network stalls for longer than a machine's own.
constexpr Milliseconds kRawLease{15000};

/// As `mnp run` has its nodes hold one each. In S3 nothing can be locked.
Status lock_raw_run(Context& context) {
  if (context.in_s3()) return {};
  const Identity& me = context.me;
  const fs::path folder = context.path(context.run_keys().run) / ".locks";
  MNP_CHECK(make_folders(folder));
  MNP_TRY(auto lock, FileLock::acquire(
                         folder / fmt::format("{}-{}-{}", me.job, me.attempt, me.index.value())));
  if (!lock)
    return fail(Code::kConfig, fmt::format("run {} is under way in another process", me.run));
  context.lock = std::make_shared<FileLock>(std::move(*lock));
  return {};
}

/// Copies the list into the run, so that a later attempt reads the same one.
Status load_raw_plan(Context& context) {
  Identity& me = context.me;
  // Outside Batch nothing else tells two runs on one machine apart.
  if (!me.in_batch && me.nodes == 1) me.run = model::make_run_id(me.run);
  MNP_CHECK(lock_raw_run(context));
  const auto key = context.keys().commands();
  auto text = aws::is_s3(me.list_file) ? context.s3->read(me.list_file)
                                       : read_file(me.list_file, model::kMaxListBytes);
  if (!text)
    return fail(text.error().code == Code::kStore ? Code::kStore : Code::kConfig,
                fmt::format("{}: {}; a file with one command a line belongs there",
                            model::kListFile, text.error().text));
  auto stored = context.store->put_new(key, *text);
  if (!stored && stored.error().code != Code::kExists) return stored;
  MNP_TRY(const auto list, model::open_list(*context.store, key));
  const model::Spec spec = model::spec_of_list(me.list_file, me.nodes, std::nullopt);
  context.plan.run = me.run;
  context.plan.name = "raw";
  context.plan.folder = fs::current_path().string();
  model::StagePlan stage;
  stage.spec = spec.stages.front();
  stage.spec.name = me.stage;
  stage.spec.nodes = me.nodes;
  stage.spec.cwd = context.plan.folder;
  stage.spec.lease = kRawLease;
  stage.commands = list.size();
  context.plan.stages.push_back(std::move(stage));
  // So that `mnp status` and `mnp logs` know the run.
  auto written =
      context.store->put_new(context.run_keys().plan(), model::plan_to_json(context.plan));
  if (!written && written.error().code != Code::kExists) return written;
  return {};
}

}  // namespace

Status load_plan(Context& context) {
  if (context.me.raw) return load_raw_plan(context);
  auto text = context.store->get(context.run_keys().plan());
  if (!text)
    return fail(
        text.error().within(fmt::format("no plan of {}='{}' in {}='{}'", model::kRun,
                                        context.me.run, model::kStore, context.store_place)));
  auto plan = model::plan_from_json(*text);
  if (!plan) return fail(plan.error().within(context.store->url(context.run_keys().plan())));
  context.plan = std::move(*plan);
  if (context.plan.find(context.stage_name) != nullptr) return {};
  std::vector<std::string> names;
  for (const auto& stage : context.plan.stages) names.push_back(stage.spec.name);
  return fail(Code::kConfig, fmt::format("{}='{}': the plan has no such stage, only {}",
                                         model::kStage, context.stage_name, join(names, ", ")));
}

void Context::set_commands(uint32_t count) {
  for (model::StagePlan& each : plan.stages)
    if (each.spec.name == stage_name) each.commands = count;
}

std::vector<std::string> stage_environment(const Context& context, uint32_t nodes_joined,
                                           uint32_t node_rank) {
  std::vector<std::string> variables;
  std::set<std::string> ours;
  const auto set = [&](const std::string& name, const std::string& value) {
    if (ours.insert(name).second) variables.push_back(name + "=" + value);
  };
  const Identity& me = context.me;
  const model::StageSpec& spec = context.spec();
  set(model::kStore, context.store_place);
  set(model::kRun, me.run);
  set("MNP_RUN_URL", context.store->url(context.run_keys().run));
  set(model::kStage, context.stage_name);
  set("MNP_COMMAND_COUNT", std::to_string(context.stage().commands));
  set("ARRAY_SIZE", std::to_string(context.stage().commands));
  set(model::kNode, std::to_string(me.index.value()));
  set("MNP_NODES", std::to_string(me.nodes));
  set("MNP_INPUTS", context.scratch.inputs().string());
  if (!spec.stage_inputs) set("MNP_INPUTS_URL", input_places(context));
  set("MNP_SCRATCH", context.scratch.shared().string());
  set("MASTER_ADDR",
      me.is_main() ? (me.own_address.empty() ? "127.0.0.1" : me.own_address) : me.main_address);
  set("MASTER_PORT", std::to_string(me.port + 1));
  set("NODE_RANK", std::to_string(node_rank));
  set("NNODES", std::to_string(nodes_joined));
  for (const auto& [name, value] : spec.env) set(name, value);  // does not replace the above
  set("OMP_NUM_THREADS", std::to_string(spec.cpus.value_or(1)));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    const std::string name = variable.substr(0, variable.find('='));
    if (ours.count(name) == 0 && handed_on(name)) variables.push_back(variable);
  }
  return variables;
}

}  // namespace mnp::node
