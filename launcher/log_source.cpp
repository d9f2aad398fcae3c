#include "launcher/log_source.hpp"

#include <algorithm>
#include <set>

#include "launcher/local_attempt.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr const char* kOutput = "/output";

Result<std::vector<std::string>> names_in(const fs::path& folder) {
  auto names = list_folder(folder);
  if (!names && names.error().code == Code::kNotFound) return std::vector<std::string>{};
  return names;
}

/// Position of "<job>-<n>" in time: its job's place among all submissions, then n.
std::pair<size_t, int64_t> order_of(const std::string& attempt, const Submitted& submitted) {
  const size_t dash = attempt.rfind('-');
  const std::string job = attempt.substr(0, dash);
  const int64_t number =
      dash == std::string::npos ? 0 : parse_integer(attempt.substr(dash + 1)).value_or(0);
  size_t place = 0;
  for (const auto& submission : submitted.submissions)
    for (const auto& each : submission.jobs) {
      ++place;
      if (each.detail.id == job) return {place, number};
    }
  return {0, number};
}

bool is_of_node(const std::string& name, std::optional<uint32_t> node) {
  return !node || starts_with(name, node_name(*node) + ".");
}

}  // namespace

Result<std::vector<std::string>> attempt_folders(const RunFolder& run, const std::string& stage) {
  const std::string key = run.stage(stage).attempts();
  MNP_TRY(const auto stored, run.store->names(key));
  MNP_TRY(const auto logged, names_in(run.in.local / key));  // one may have stored nothing
  std::set<std::string> both(stored.begin(), stored.end());
  both.insert(logged.begin(), logged.end());
  std::vector<std::string> names(both.begin(), both.end());
  MNP_TRY(const auto submitted, run.submitted());
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) {
    return order_of(a, submitted) < order_of(b, submitted);
  });
  for (std::string& name : names) name = key + "/" + name;
  return names;
}

Result<std::vector<std::string>> output_streams(const RunFolder& run, const std::string& stage,
                                                std::optional<uint32_t> node) {
  std::vector<std::string> streams;
  MNP_TRY(const auto attempts, attempt_folders(run, stage));
  for (const std::string& attempt : attempts) {
    MNP_TRY(const auto names, run.store->names(attempt + kOutput));
    for (const std::string& name : names)
      if (is_of_node(name, node)) streams.push_back(attempt + kOutput + "/" + name);
  }
  return streams;
}

std::string attempt_of_stream(const std::string& stream) {
  return stream.substr(0, stream.rfind(kOutput));
}

Result<std::vector<fs::path>> node_logs(const RunFolder& run, const std::string& stage,
                                        std::optional<uint32_t> node) {
  std::vector<fs::path> logs;
  MNP_TRY(const auto attempts, attempt_folders(run, stage));
  for (const std::string& attempt : attempts) {
    const fs::path folder = run.in.local / attempt / "log";
    MNP_TRY(const auto names, names_in(folder));
    for (const std::string& name : names)
      if (is_of_node(name, node)) logs.push_back(folder / name);
  }
  return logs;
}

}  // namespace mnp::launcher
