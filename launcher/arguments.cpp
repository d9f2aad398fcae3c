#include "launcher/arguments.hpp"

#include <memory>
#include <utility>

#include "launcher/commands.hpp"

namespace mnp::launcher {
namespace {

/// A command that hands what was typed to its run().
template <class Options>
std::pair<CLI::App*, Options*> add_command(CLI::App& app, Action& action, const std::string& name,
                                           const std::string& what) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, what);
  command->callback([options, &action] { action = [options] { return run(*options); }; });
  return {command, options.get()};
}

/// An unset variable of a script must not mean another store or run.
CLI::Validator not_empty(const std::string& what) {
  return {[what](const std::string& value) { return value.empty() ? what + " is empty" : ""; }, ""};
}

void add_store_option(CLI::App& command, std::string& store) {
  command
      .add_option("--store", store,
                  "where runs live: a folder or s3://BUCKET/PREFIX [MNP_STORE, else ./mnp-runs]")
      ->type_name("STORE")
      ->check(not_empty("--store"));
}

void add_run_argument(CLI::App& command, std::string& run) {
  command
      .add_option(
          "RUN", run,
          "a run's id, the start of one, or a pipeline's name for its newest run [the newest run]")
      ->type_name("")
      ->check(not_empty("RUN"));
}

void add_pipeline_options(CLI::App& command, PipelineOptions& options) {
  command.add_option("FILE", options.file, "pipeline file")->type_name("");
  command
      .add_option("--commands", options.commands,
                  "instead of FILE: a list, one command a line; - for standard input")
      ->type_name("LIST");
  command.add_option("--set", options.set, "value of a parameter of the file")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--nodes", options.nodes, "most nodes of any stage; with --commands, its nodes")
      ->type_name("N")
      ->check(CLI::Range(1u, 1000u));
  command.add_option("--cpus", options.cpus, "with --commands: cores of each command")
      ->type_name("C")
      ->check(CLI::Range(1u, 4096u));
  command.add_option("--tries", options.tries, "with --commands: runs of a failing command")
      ->type_name("T")
      ->check(CLI::Range(1u, 1000u));
  command
      .add_option("--timeout", options.timeout,
                  "with --commands: most time of each command, such as 30s or 1h30m")
      ->type_name("D");
  command.add_option("--only", options.only, "this stage alone")->type_name("STAGE");
}

void add_validate(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<ValidateOptions>(
      app, action, "validate", "check a pipeline file, its inputs and its lists");
  command->add_option("FILE", options->pipeline.file, "pipeline file")->type_name("")->required();
  command->add_option("--set", options->pipeline.set, "value of a parameter of the file")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "{valid, name, stages} or {valid, errors}");
  command->footer("Runs no program of `from`.\n\nExamples:\n  mnp validate pipeline.yaml");
}

void add_plan(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<PlanOptions>(app, action, "plan", "show what a pipeline file comes to");
  add_pipeline_options(*command, options->pipeline);
  command->add_flag("--json", options->json,
                    "{name, stages: [{name, nodes, commands, program, after, attempts, "
                    "evaluate_on_exit}]}");
  command->footer(
      "Runs the programs of `from`, nothing else.\n\nExamples:\n"
      "  mnp plan pipeline.yaml\n  mnp plan pipeline.yaml --nodes 2 --json");
}

void add_run(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<RunOptions>(app, action, "run", "run a pipeline here, on a local Batch");
  add_pipeline_options(*command, options->pipeline);
  add_store_option(*command, options->store);
  command->add_flag("--dry-run", options->dry_run, "show the plan and write nothing");
  command->add_flag("--json", options->json,
                    "instead of the run id, the last line of standard output is what `mnp status "
                    "--json` prints");
  command->add_flag("--quiet", options->quiet, "only failures on standard error");
  command->footer(
      "The run id is the last line of standard output; everything else goes to standard\n"
      "error. SIGINT and SIGTERM stop the run in order, a second one at once.\n"
      "\nExamples:\n"
      "  mnp run pipeline.yaml --nodes 4\n"
      "  mnp run pipeline.yaml --set scan=scans/17 --store /data/runs\n"
      "  mnp run --commands list.txt --nodes 4 --cpus 2 --tries 3 --timeout 10m");
}

void add_status(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<StatusOptions>(app, action, "status", "show how far a run is");
  add_run_argument(*command, options->run);
  add_store_option(*command, options->store);
  command->add_flag("--watch", options->watch,
                    "again whenever it changes, until the run has ended");
  command->add_flag("--json", options->json,
                    "{run, state, stages: [{name, state, attempt, nodes, joined, total, done, "
                    "failed, running, started, ended}]}");
  command->footer(
      "States of a run: RUNNING SUCCEEDED FAILED STOPPED INTERRUPTED (who ran it\n"
      "has gone without a last word). States of a stage: those of AWS Batch, and INTERRUPTED. "
      "`done` in the JSON\n"
      "counts the commands that are final, failed ones included.\n"
      "Exit status: 0 once the state is shown; with --watch that of the run: 0 when it\n"
      "succeeded, that of the first stage that failed, 40 when stopped or interrupted.\n"
      "\nExamples:\n  mnp status\n  mnp status reconstruction-2026 --watch");
}

void add_logs(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<LogsOptions>(app, action, "logs", "show what commands printed");
  add_run_argument(*command, options->run);
  command->add_option("STAGE", options->stage, "a stage [all]")->type_name("");
  add_store_option(*command, options->store);
  auto* node = command->add_option("--node", options->node, "only what ran on this node");
  node->type_name("N");
  auto* index =
      command->add_option("--command", options->command,
                          "only this command (line of the list, from 0), as it printed it");
  index->type_name("I");
  auto* follow = command->add_flag("--follow", options->follow, "go on until the run has ended");
  auto* failed =
      command->add_flag("--failed", options->failed,
                        "only the last try of each command or program that failed, with its line");
  auto* runtime =
      command->add_flag("--runtime", options->runtime, "what the nodes themselves said");
  node->excludes(index);
  failed->excludes(follow)->excludes(runtime);
  runtime->excludes(index);
  command->add_flag("--json", options->json, "JSON Lines: {stage, command, start, time, text}");
  command->footer(
      "Examples:\n  mnp logs --follow\n  mnp logs reconstruction-2026 process --failed\n"
      "  mnp logs reconstruction-2026 process --command 17");
}

void add_stop(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<StopOptions>(app, action, "stop", "stop a run in order");
  add_run_argument(*command, options->run);
  add_store_option(*command, options->store);
  command->add_flag("--json", options->json, "{run, state, was_running}");
  command->footer(
      "What is done is kept; what was under way runs again with `mnp resume`.\n"
      "\nExamples:\n  mnp stop\n  mnp stop reconstruction-20260131-142501-k3f9");
}

void add_resume(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<ResumeOptions>(app, action, "resume", "run what a run has not done");
  add_run_argument(*command, options->run);
  add_store_option(*command, options->store);
  command->add_option("--only", options->only, "this stage alone")->type_name("STAGE");
  command->add_flag("--json", options->json,
                    "instead of the run id, the last line of standard output is what `mnp status "
                    "--json` prints");
  command->add_flag("--quiet", options->quiet, "only failures on standard error");
  command->add_flag("--renumbered", options->renumbered,
                    "go on although the run's list was edited, and lines of it read the number "
                    "that their command has in it");
  command->footer(
      "Commands that have succeeded are not run again; those that failed are, with their\n"
      "tries counted anew. Uses the run's own copies of the lists (stages/STAGE/commands.txt\n"
      "in its folder), whatever has become of the files that the pipeline names.\n"
      "\nExamples:\n  mnp resume\n  mnp resume reconstruction-20260131-142501-k3f9");
}

void add_list(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<ListOptions>(app, action, "list", "list the runs of a store, newest first");
  add_store_option(*command, options->store);
  command->add_flag("--json", options->json,
                    "[{run, state, pipeline, started, duration}], seconds");
  command->footer("Examples:\n  mnp list\n  mnp list --store /data/runs --json");
}

void add_rm(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<RmOptions>(app, action, "rm", "remove a run with all that it has left");
  command->add_option("RUN", options->run, "a run's id, or the start of exactly one")
      ->type_name("")
      ->required();
  add_store_option(*command, options->store);
  command->add_flag("--dry-run", options->dry_run, "say what would be removed, and remove nothing");
  command->add_flag("--json", options->json, "{run, path, files, bytes, removed}");
  command->footer(
      "Asks nothing. Removes journal, output and results; copy first what you still need. A run\n"
      "that is under way is refused: `mnp stop` it first.\n"
      "\nExamples:\n  mnp rm reconstruction-20260131-142501-k3f9\n"
      "  mnp rm reconstruction-20260131 --dry-run");
}

void add_account(CLI::App& command, aws::SettingsOptions& account) {
  command.add_option("--profile", account.profile, "profile of ~/.aws [AWS_PROFILE]")
      ->type_name("NAME");
  command.add_option("--region", account.region, "region [AWS_REGION, or the profile's]")
      ->type_name("NAME");
  command
      .add_option("--endpoint-url", account.s3_endpoint_url,
                  "another server than AWS's [AWS_ENDPOINT_URL_S3]")
      ->type_name("URL");
}

void add_s3_copy(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<S3CopyOptions>(app, action, "cp", "copy a file or a folder to or from S3");
  command->add_option("FROM", options->from, "a path or s3://BUCKET/KEY")
      ->type_name("")
      ->required();
  command->add_option("TO", options->to, "likewise; one of the two is in S3")
      ->type_name("")
      ->required();
  command->add_flag("-r,--recursive", options->recursive, "all that is below FROM");
  command->add_flag("--only-changed", options->only_changed,
                    "leave what is there already, of the same size and not older");
  command->add_flag("--quiet", options->quiet, "only failures on standard error");
  command->add_flag("--json", options->json, "{files, bytes, kept, seconds}");
  add_account(*command, options->account);
  command->footer(
      "A file or object is there whole or not at all. Objects that mnp has put carry a checksum,\n"
      "which is compared when they are fetched.\n"
      "\nExamples:\n  mnp s3 cp -r s3://lab-data/scans/17/ .\n"
      "  mnp s3 cp slice.npy s3://lab-data/slices/");
}

void add_s3_list(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command<S3ListOptions>(app, action, "ls", "show what begins with a key");
  command->add_option("PLACE", options->place, "s3://BUCKET/KEY")->type_name("")->required();
  command->add_flag("-r,--recursive", options->recursive, "without folders: every object");
  command->add_flag("--json", options->json, "JSON Lines: {key, bytes, modified} or {folder}");
  add_account(*command, options->account);
  command->footer("Examples:\n  mnp s3 ls s3://lab-data/scans/\n  mnp s3 ls -r s3://lab-data");
}

void add_s3_cat(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<S3CatOptions>(app, action, "cat", "print an object");
  command->add_option("PLACE", options->place, "s3://BUCKET/KEY")->type_name("")->required();
  add_account(*command, options->account);
  command->footer("Examples:\n  mnp s3 cat s3://lab-data/lists/process.txt");
}

void add_s3(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("s3", "copy to and from S3, where there is no AWS CLI");
  command->require_subcommand(1);
  command->footer(
      "Region, profile and credentials are found as the AWS CLI finds them.\n"
      "\nExamples:\n  mnp s3 cp -r s3://lab-data/in/ .\n  mnp s3 ls s3://lab-data/in/\n"
      "  mnp s3 cat s3://lab-data/list.txt");
  add_s3_copy(*command, action);
  add_s3_list(*command, action);
  add_s3_cat(*command, action);
}

}  // namespace

void add_commands(CLI::App& app, Action& action) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "mnp " MNP_VERSION);
  app.footer(
      "Exit status: 0 success; 2 usage; 10 commands failed; 11 program failed; 12 timeout;\n"
      "20 configuration; 30-34 infrastructure (tried again); 40 stopped; 70 bug.\n"
      "\nExamples:\n"
      "  mnp run pipeline.yaml\n"
      "  mnp run --commands list.txt --nodes 4\n"
      "  mnp status --watch");
  add_validate(app, action);
  add_plan(app, action);
  add_run(app, action);
  add_status(app, action);
  add_logs(app, action);
  add_stop(app, action);
  add_resume(app, action);
  add_list(app, action);
  add_rm(app, action);
  add_s3(app, action);
}

}  // namespace mnp::launcher
