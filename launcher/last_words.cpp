#include "launcher/last_words.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "launcher/log_source.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr uint32_t kMainNode = 0;  // of local jobs
constexpr std::streamoff kReadBytes = 64 << 10;
constexpr size_t kShownLines = 3;
constexpr size_t kShownBytes = 600;  // of a line
constexpr uint64_t kNoRoom = uint64_t{1} << 20;

// "2026-11-25T23:20:33.017 E node 0: text"
constexpr size_t kLevelAt = 24, kTextAt = 26;

bool is_log_line(const std::string& line) {
  return line.size() > kTextAt && line[10] == 'T' && line[kLevelAt - 1] == ' ' &&
         line[kTextAt - 1] == ' ' && std::string_view("DIWE").find(line[kLevelAt]) < 4;
}

std::vector<std::string> tail_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  const std::streamoff start = std::max<std::streamoff>(size - kReadBytes, 0);
  file.seekg(start);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (start > 0 && !lines.empty()) lines.erase(lines.begin());  // half a line
  return lines;
}

}  // namespace

std::vector<std::string> last_words(const RunFolder& run, const std::string& stage) {
  std::vector<std::string> words;
  const auto logs = node_logs(run, stage, kMainNode);
  if (!logs || logs->empty()) return words;
  for (const std::string& line : tail_of(logs->back())) {
    if (trim(line).empty() || (is_log_line(line) && line[kLevelAt] != 'E')) continue;
    std::string text = (is_log_line(line) ? line.substr(kTextAt) : line).substr(0, kShownBytes);
    words.erase(std::remove(words.begin(), words.end(), text), words.end());
    words.push_back(std::move(text));
  }
  if (words.size() > kShownLines) words.erase(words.begin(), words.end() - kShownLines);
  return words;
}

std::string full_store(const RunFolder& run) {
  if (run.in.in_s3()) return "";
  const auto free = free_bytes(run.in.local);
  if (!free || *free >= kNoRoom) return "";
  return fmt::format(
      "the store {} is full ({} are free): make room there, or name another with "
      "--store DIR for a new run",
      run.in.name, format_bytes(*free));
}

}  // namespace mnp::launcher
