#include "cpu/shell_words.hpp"

#include <algorithm>
#include <array>

namespace mnp::cpu {
namespace {

/// Reserved words and built-in commands of dash, bash, ksh and busybox: their own `echo` or `kill`
/// may differ from the program of the same name. Sorted.
constexpr std::array kShellNames = {
    "!",         ".",         ":",        "[",        "[[",      "alias",   "autoload", "bg",
    "bind",      "break",     "builtin",  "caller",   "case",    "cd",      "chdir",    "command",
    "compgen",   "complete",  "compopt",  "continue", "coproc",  "declare", "dirs",     "disown",
    "do",        "done",      "echo",     "elif",     "else",    "enable",  "esac",     "eval",
    "exec",      "exit",      "export",   "false",    "fc",      "fg",      "fi",       "float",
    "for",       "functions", "function", "getopts",  "hash",    "help",    "history",  "if",
    "in",        "integer",   "jobs",     "kill",     "let",     "local",   "logout",   "mapfile",
    "nameref",   "popd",      "print",    "printf",   "pushd",   "pwd",     "r",        "read",
    "readarray", "readonly",  "return",   "select",   "set",     "shift",   "shopt",    "source",
    "stop",      "suspend",   "test",     "then",     "time",    "times",   "trap",     "true",
    "type",      "typeset",   "ulimit",   "umask",    "unalias", "unset",   "until",    "wait",
    "whence",    "while",     "{",        "}"};

bool is_shell_name(std::string_view word) {
  return std::find(kShellNames.begin(), kShellNames.end(), word) != kShellNames.end();
}

bool is_plain(char c) {
  constexpr std::string_view kOthers = "_-+=:,./%@^";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

/// Reads one word, quotes removed, from the front of `rest`; false when a shell has to.
bool take_word(std::string_view& rest, std::string& word) {
  while (!rest.empty() && rest[0] != ' ' && rest[0] != '\t') {
    const char c = rest[0];
    if (c == '\'' || c == '"') {
      const size_t end = rest.find(c, 1);
      if (end == std::string_view::npos) return false;
      const std::string_view inside = rest.substr(1, end - 1);
      if (!std::all_of(inside.begin(), inside.end(), is_printable)) return false;
      if (c == '"' && inside.find_first_of("$`\\!") != std::string_view::npos) return false;
      word += inside;
      rest.remove_prefix(end + 1);
    } else if (is_plain(c) || (c == '#' && !word.empty())) {
      word += c;
      rest.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::vector<std::string>> plain_words(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) break;
    line.remove_prefix(start);
    std::string word;
    if (!take_word(line, word)) return std::nullopt;
    words.push_back(std::move(word));
  }
  if (words.empty() || words[0].empty() || words[0].find('=') != std::string::npos ||
      is_shell_name(words[0]))
    return std::nullopt;
  return words;
}

}  // namespace mnp::cpu
