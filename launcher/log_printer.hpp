// Commands' output as lines that say whose they are, as bytes, or as JSON Lines.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cpu/output_stream.hpp"

namespace mnp::launcher {

/// "[mnp: output cut at 1000 bytes; see max_output]"
std::string cut_note(uint64_t kept);

class LogPrinter {
 public:
  enum class Form {
    kBytes,  // as they were printed; what was dropped is said on standard error
    kLines,  // "stage/17 | text"
    kJson,   // {"stage", "command", "start", "time", "text"} a line, and "cut_at"
  };
  explicit LogPrinter(Form form) : form_(form) {}
  /// `command`: its number in today's list; nullopt ("-", null) when it is in it no more.
  void print(const std::string& stage, std::optional<CommandIndex> command,
             const cpu::OutputChunk& chunk);
  /// What stands after the last newline of each.
  void flush();

 private:
  /// What stands after the last newline of a start.
  struct Partial {
    CommandIndex command;  // as its own attempt numbers it
    uint32_t start = 0;
    std::string text;
  };
  void print_cut(const std::string& label, const cpu::OutputChunk& chunk);
  void print_lines(const std::string& label, const cpu::OutputChunk& chunk, std::string_view bytes);

  Form form_;
  std::map<std::string, Partial> partial_;  // by label
};

}  // namespace mnp::launcher
