#include "launcher/cli.hpp"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "launcher/planning.hpp"
#include "launcher/usage_hint.hpp"
#include "mnp/core/log.hpp"

namespace mnp::launcher {
namespace {

constexpr int kUsageStatus = 2;

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

bool output_is_written() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

/// Errors in files start with `file:line:column:`, as compilers' do: nothing stands before them.
bool is_located(const std::string& text) {
  const size_t colon = text.find(':');
  return colon != std::string::npos && colon + 1 < text.size() && text[colon + 1] >= '0' &&
         text[colon + 1] <= '9';
}

void print_error(const Error& error) {
  const CodeInfo& info = code_info(error.code);
  std::fprintf(stderr, "%s%s\n", is_located(error.text) ? "" : "mnp: ", error.text.c_str());
  if (error.code != Code::kUsage && !info.hint.empty())
    std::fprintf(stderr, "  %s\n", std::string(info.hint).c_str());
}

/// `mnp help WORD` is `mnp WORD --help`.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.emplace_back("--help");
  return words;
}

int finish(const Result<int>& status) {
  if (!status) print_error(status.error());
  const int number = status ? *status : code_info(status.error().code).exit_status;
  if (output_is_written()) return number;
  tell("mnp: standard output cannot be written");
  return number != 0 ? number : code_info(Code::kIo).exit_status;
}

/// An unset variable of a script must not mean another store or run.
CLI::Validator not_empty(const std::string& what) {
  return {[what](const std::string& value) { return value.empty() ? what + " is empty" : ""; }, ""};
}

}  // namespace

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

void tell(const std::string& line) {
  std::fputs((line + "\n").c_str(), stderr);
}

int run_cli(int argc, char** argv) {
  log::start("mnp", log::Level::kWarning);
  CLI::App app("mnp runs the stages of a pipeline as multi-node jobs.", "mnp");
  Action action;
  add_commands(app, action);
  const std::vector<std::string> words = words_of(argc, argv);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // it wants them reversed
  } catch (const CLI::Success& help) {
    return finish(app.exit(help));
  } catch (const CLI::ParseError& error) {
    std::fputs(usage_error(app, error, words).c_str(), stderr);
    return kUsageStatus;
  }
  try {
    return finish(action());
  } catch (const std::filesystem::filesystem_error& error) {
    return finish(fail(Code::kConfig,
                       fmt::format("{}; is the working folder or TMPDIR gone?", error.what())));
  } catch (const std::system_error&) {  // fmt::print throws it
    if (output_is_written()) throw;
    return finish(0);
  }
}

}  // namespace mnp::launcher
