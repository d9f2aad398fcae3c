#include "launcher/log_printer.hpp"

#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mnp::launcher {
namespace {

constexpr size_t kMaxPartial = size_t{64} << 10;  // bytes of a line held back

void write(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

std::string to_json(const std::string& stage, std::optional<CommandIndex> command,
                    const cpu::OutputChunk& chunk) {
  nlohmann::ordered_json json;
  json["stage"] = stage;
  json["command"] = command ? nlohmann::ordered_json(command->value()) : nullptr;
  json["start"] = chunk.start;
  json["time"] = chunk.seconds;
  json["text"] = std::string(chunk.bytes);
  if (chunk.cut_at) json["cut_at"] = *chunk.cut_at;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string cut_note(uint64_t kept) {
  return fmt::format("[mnp: output cut at {} bytes; see max_output]", kept);
}

/// A line of its own.
void LogPrinter::print_cut(const std::string& label, const cpu::OutputChunk& chunk) {
  const std::string note = cut_note(*chunk.cut_at);
  if (form_ == Form::kBytes) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %s\n", label.c_str(), note.c_str());
    return;
  }
  const bool amid_line = partial_.find(label) != partial_.end();
  print_lines(label, chunk, (amid_line ? "\n" : "") + note + "\n");
}

void LogPrinter::print(const std::string& stage, std::optional<CommandIndex> command,
                       const cpu::OutputChunk& chunk) {
  if (form_ == Form::kJson) return write(to_json(stage, command, chunk));
  const std::string label = stage + "/" + (command ? std::to_string(command->value()) : "-");
  if (chunk.cut_at) return print_cut(label, chunk);
  if (form_ == Form::kBytes) return write(chunk.bytes);
  print_lines(label, chunk, chunk.bytes);
}

/// A start that ended amid a line is none with what the next one prints.
void LogPrinter::print_lines(const std::string& label, const cpu::OutputChunk& chunk,
                             std::string_view bytes) {
  Partial& partial = partial_[label];
  if ((partial.command != chunk.command || partial.start != chunk.start) && !partial.text.empty())
    write(fmt::format("{} | {}\n", label, std::exchange(partial.text, {})));
  partial.command = chunk.command;
  partial.start = chunk.start;
  std::string& text = partial.text;
  text.append(bytes);
  size_t start = 0;
  for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1)
    write(fmt::format("{} | {}\n", label, std::string_view(text).substr(start, end - start)));
  text.erase(0, start);
  if (text.size() > kMaxPartial) {
    write(fmt::format("{} | {}\n", label, text));
    text.clear();
  }
  if (text.empty()) partial_.erase(label);
}

void LogPrinter::flush() {
  for (const auto& [label, rest] : partial_) write(fmt::format("{} | {}\n", label, rest.text));
  partial_.clear();
  std::fflush(stdout);
}

}  // namespace mnp::launcher
