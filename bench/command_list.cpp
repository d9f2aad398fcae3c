// Indexes, walks and identifies a list of many commands; the limit is one memchr pass over the same
// mapped file, in the same run. Arguments: number of commands (10,000,000), runs (5).
#include <fcntl.h>
#include <sys/mman.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"

namespace {

using mnp::CommandIndex;
using mnp::model::CommandList;

/// Anonymous memory of this process in bytes, now or at its highest: the file's pages do not count.
double memory(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (mnp::starts_with(line, field)) return std::stod(line.substr(std::strlen(field))) * 1024;
  return 0;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (mnp::starts_with(line, "model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

struct Times {
  double median, least, most;
};

Times measure(int runs, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds.front(), seconds.back()};
}

void print(const char* what, const Times& times, const Times& limit, size_t commands) {
  std::printf("%-12s %7.3f s (%.3f-%.3f)  %6.1f ns a command  %5.2f of the limit's speed\n", what,
              times.median, times.least, times.most,
              times.median * 1e9 / static_cast<double>(commands), limit.median / times.median);
}

size_t count_lines(const char* file, size_t size) {
  const mnp::Fd fd(::open(file, O_RDONLY | O_CLOEXEC));
  auto* const bytes =
      static_cast<const char*>(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0));
  size_t lines = 0;
  for (const char* at = bytes; at < bytes + size; ++lines) {
    const void* const end = std::memchr(at, '\n', static_cast<size_t>(bytes + size - at));
    if (end == nullptr) break;
    at = static_cast<const char*>(end) + 1;
  }
  ::munmap(const_cast<char*>(bytes), size);
  return lines;
}

void write_list(const std::string& file, size_t commands) {
  std::ofstream out(file);
  for (size_t i = 0; i < commands; ++i) {
    out << "tomo slice --in $MNP_INPUTS/process/scan-" << i % 977 << ".h5 --row " << i
        << " --filter shepp --out $MNP_RESULTS/" << i << ".npy";
    if (i % 4 == 0) out << " # cost=" << i % 100 + 1;
    out << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  const size_t commands = argc > 1 ? std::stoul(argv[1]) : 10000000;
  const int runs = argc > 2 ? std::stoi(argv[2]) : 5;
  const auto folder = mnp::TemporaryFolder::create("mnp-bench-");
  if (!folder) return 1;
  const std::string file = (folder->path() / "list.txt").string();
  write_list(file, commands);
  const size_t bytes = mnp::fs::file_size(file);
  std::printf("%s; %zu commands, %s, %d runs\n", cpu_name().c_str(), commands,
              mnp::format_bytes(bytes).c_str(), runs);

  size_t lines = 0;
  const Times limit = measure(runs, [&] { lines = count_lines(file.c_str(), bytes); });
  if (lines != commands) return 1;
  print("memchr", limit, limit, commands);
  print("open", measure(runs, [&] { (void)CommandList::open(file); }), limit, commands);

  const double before = memory("RssAnon:");
  const auto list = CommandList::open(file);
  if (!list || list->size() != commands) return 1;
  const double index = memory("RssAnon:") - before;
  size_t total = 0;
  print("line",
        measure(runs,
                [&] {
                  for (uint32_t i = 0; i < list->size(); ++i)
                    total += list->line(CommandIndex(i)).size();
                }),
        limit, commands);
  double cost = 0;
  print("cost",
        measure(runs,
                [&] {
                  for (uint32_t i = 0; i < list->size(); ++i) cost += list->cost(CommandIndex(i));
                }),
        limit, commands);
  print("identities", measure(runs, [&] { total += list->identities().size(); }), limit, commands);
  print("digest", measure(runs, [&] { total += list->digest() % 2; }), limit, commands);
  std::string equal;
  for (size_t i = 0; i < commands; ++i) equal += "run\n";
  const auto same = CommandList::parse(std::move(equal), "equal lines");
  if (!same) return 1;
  print("equal lines", measure(runs, [&] { total += same->identities().size(); }), limit, commands);
  std::printf("index %.2f bytes a command (checks: %zu, %.0f)\n",
              index / static_cast<double>(commands), total, cost);
  return 0;
}
