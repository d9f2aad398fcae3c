#include "launcher/cli.hpp"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "launcher/arguments.hpp"
#include "launcher/usage_hint.hpp"
#include "mnp/core/log.hpp"

namespace mnp::launcher {
namespace {

constexpr int kUsageStatus = 2;

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

}  // namespace

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
