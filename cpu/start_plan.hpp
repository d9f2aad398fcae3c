// A Start made ready for the kernel: argument vectors, environment, the program's path.
#pragma once

#include <sched.h>

#include <optional>
#include <string>
#include <vector>

#include "cpu/command_runner.hpp"
#include "cpu/launch.hpp"

namespace mnp::cpu {

/// Owns what a LaunchPlan points to. Reused from start to start, so that it allocates little.
class StartPlan {
 public:
  /// Valid until the next call, and as long as `start` is. The descriptors are the caller's.
  LaunchPlan& prepare(const Start& start);

 private:
  bool is_as_before(const Start& start) const;
  void keep_base(const Start& start);
  void prepare_environment(const Start& start);
  void prepare_arguments(const Start& start);

  LaunchPlan plan_;
  std::vector<std::string> words_;
  std::string path_, pwd_;
  std::vector<char*> argv_, shell_argv_, environment_;
  Environment base_;                // of the last start,
  std::vector<std::string> names_;  // those that its `extra` replaced, with their "=",
  std::vector<char*> kept_;         // and what they left of it
  cpu_set_t cpus_{};
};

/// Where a shell with this PATH would find the program; nullopt when that
/// is left to the shell (nothing found, found but not executable, relative entries, no PATH).
std::optional<std::string> find_program(const std::string& name, const char* path);

}  // namespace mnp::cpu
