#include "launcher/log_printer.hpp"

#include <cstdio>

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
void LogPrinter::print_cut(const std::string& label, uint64_t kept) {
  const std::string note = cut_note(kept);
  if (form_ == Form::kBytes) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: %s\n", label.c_str(), note.c_str());
    return;
  }
  const bool amid_line = partial_.find(label) != partial_.end();
  print_lines(label, (amid_line ? "\n" : "") + note + "\n");
}

void LogPrinter::print(const std::string& stage, std::optional<CommandIndex> command,
                       const cpu::OutputChunk& chunk) {
  if (form_ == Form::kJson) return write(to_json(stage, command, chunk));
  const std::string label = stage + "/" + (command ? std::to_string(command->value()) : "-");
  if (chunk.cut_at) return print_cut(label, *chunk.cut_at);
  if (form_ == Form::kBytes) return write(chunk.bytes);
  print_lines(label, chunk.bytes);
}

void LogPrinter::print_lines(const std::string& label, std::string_view bytes) {
  std::string& partial = partial_[label];
  partial.append(bytes);
  size_t start = 0;
  for (size_t end; (end = partial.find('\n', start)) != std::string::npos; start = end + 1)
    write(fmt::format("{} | {}\n", label, std::string_view(partial).substr(start, end - start)));
  partial.erase(0, start);
  if (partial.size() > kMaxPartial) {
    write(fmt::format("{} | {}\n", label, partial));
    partial.clear();
  }
  if (partial.empty()) partial_.erase(label);
}

void LogPrinter::flush() {
  for (const auto& [label, rest] : partial_) write(fmt::format("{} | {}\n", label, rest));
  partial_.clear();
  std::fflush(stdout);
}

}  // namespace mnp::launcher
