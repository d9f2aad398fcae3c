#include "launcher/usage_hint.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string unknown_command(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> later = {"submit", "deploy", "exec",
                                          "report", "doctor", "simulate"};
  if (std::find(later.begin(), later.end(), word) != later.end())
    return fmt::format("mnp: '{}' is not there yet; `mnp run` runs a pipeline on this machine\n",
                       word);
  const auto names = command_names(app);
  const std::string near = nearest(word, names);
  return fmt::format(
      "mnp: no command '{}'; {}\n", word,
      near.empty() ? "there are " + join(names, ", ") : "do you mean `mnp " + near + "`?");
}

/// The first leftover that looks like an option, with what it may have been.
std::string unexpected(const CLI::App& command, const std::string& prefix) {
  for (const std::string& word : command.remaining()) {
    const std::string name = word.substr(0, word.find('='));
    if (!starts_with(word, "-"))
      return fmt::format("{}: '{}' is one argument too many\n", prefix, word);
    const std::string near = nearest(name, option_names(command));
    return fmt::format("{}: no option {}{}\n", prefix, name,
                       near.empty() ? "" : "; do you mean " + near + "?");
  }
  return "";
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& words) {
  const auto typed = app.get_subcommands();
  if (typed.empty()) {
    for (const std::string& word : words)
      if (!starts_with(word, "-")) return unknown_command(app, word);
    if (!words.empty()) return fmt::format("mnp: no option {}; type `mnp --help`\n", words.front());
    return app.help();
  }
  const CLI::App* typed_last = typed.front();
  std::string prefix = "mnp " + typed_last->get_name();
  while (!typed_last->get_subcommands().empty()) {
    typed_last = typed_last->get_subcommands().front();
    prefix += " " + typed_last->get_name();
  }
  const CLI::App& command = *typed_last;
  const bool extras = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  std::string text = extras ? unexpected(command, prefix) : "";
  if (text.empty()) text = fmt::format("{}: {}\n", prefix, error.what());
  return text + fmt::format("type `{} --help` for its options\n", prefix);
}

}  // namespace mnp::launcher
