// Commands' output as lines that say whose they are, as bytes, or as JSON Lines.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "cpu/output_stream.hpp"

namespace mnp::launcher {

class LogPrinter {
 public:
  enum class Form {
    kBytes,  // as they were printed
    kLines,  // "stage/17 | text"
    kJson,   // {"stage", "command", "start", "time", "text"} a line
  };
  explicit LogPrinter(Form form) : form_(form) {}
  void print(const std::string& stage, const cpu::OutputChunk& chunk);
  /// What stands after the last newline of each command.
  void flush();

 private:
  void print_lines(const std::string& label, std::string_view bytes);

  Form form_;
  std::map<std::string, std::string> partial_;  // by label
};

}  // namespace mnp::launcher
