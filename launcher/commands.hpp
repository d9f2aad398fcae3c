// The commands of `mnp`: what each is told (arguments.cpp) and what it does (cmd_<name>.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "aws/settings.hpp"
#include "launcher/planning.hpp"
#include "mnp/core/result.hpp"

namespace mnp::launcher {

// An empty `store` is the default one, an empty `run` the newest run.

struct ValidateOptions {
  PipelineOptions pipeline;
  bool json = false;
};

struct PlanOptions {
  PipelineOptions pipeline;
  bool json = false;
};

struct RunOptions {
  PipelineOptions pipeline;
  std::string store;
  bool dry_run = false, json = false, quiet = false;
};

struct StatusOptions {
  std::string run, store;
  bool watch = false, json = false;
};

struct LogsOptions {
  std::string run, stage, store;
  std::optional<uint32_t> node, command;
  bool follow = false, failed = false, runtime = false, json = false;
};

struct StopOptions {
  std::string run, store;
  bool json = false;
};

struct ResumeOptions {
  std::string run, store, only;
  bool json = false, quiet = false, renumbered = false;
};

struct ListOptions {
  std::string store;
  bool json = false;
};

struct RmOptions {
  std::string run, store;
  bool dry_run = false, json = false;
};

struct S3CopyOptions {
  aws::SettingsOptions account;
  std::string from, to;
  bool recursive = false, only_changed = false, quiet = false, json = false;
};

struct S3ListOptions {
  aws::SettingsOptions account;
  std::string place;
  bool recursive = false, json = false;
};

struct S3CatOptions {
  aws::SettingsOptions account;
  std::string place;
};

// Each returns the exit status of the program.
Result<int> run(const ValidateOptions& options);
Result<int> run(const PlanOptions& options);
Result<int> run(const RunOptions& options);
Result<int> run(const StatusOptions& options);
Result<int> run(const LogsOptions& options);
Result<int> run(const StopOptions& options);
Result<int> run(const ResumeOptions& options);
Result<int> run(const ListOptions& options);
Result<int> run(const RmOptions& options);
Result<int> run(const S3CopyOptions& copy);
Result<int> run(const S3ListOptions& list);
Result<int> run(const S3CatOptions& cat);

}  // namespace mnp::launcher
