// The pipeline file: stages and their keys, checked strictly (docs/pipeline.md lists the keys).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/clock.hpp"
#include "mnp/core/result.hpp"

namespace mnp::model {

enum class Order { kList, kLongestFirst };
enum class Distribution { kDynamic, kBlock };
enum class OnFailure { kContinue, kStop };
enum class ReduceOp { kSum, kMin, kMax };

/// One source that commands find as $MNP_INPUTS/<name>: an earlier stage, a file, folder or URL.
struct Input {
  std::string name;
  std::string source;  // a stage's name when `from_stage`, else an absolute path or URL
  bool from_stage = false;
  bool broadcast = false;  // read once by main and sent to the others over MPI
  bool operator==(const Input&) const = default;
};

struct Reduce {
  std::string match;  // glob below $MNP_RESULTS; `*` stays within a folder, `**` does not
  ReduceOp op = ReduceOp::kSum;
  bool operator==(const Reduce&) const = default;
};

/// `allow_failures: 10` or `allow_failures: 1%`.
struct AllowFailures {
  uint64_t count = 0;
  double percent = 0;  // of the commands, rounded down; used when > 0
  uint64_t of(uint64_t total) const;
  bool operator==(const AllowFailures&) const = default;
};

/// Where the command list comes from: exactly one is set.
struct CommandSource {
  std::string path;                // absolute path or URL
  std::vector<std::string> lines;  // inline
  std::string from;                // a program that prints the list, run at plan time
  bool empty() const { return path.empty() && lines.empty() && from.empty(); }
  bool operator==(const CommandSource&) const = default;
};

/// One stage with `defaults` applied and `${parameters}` replaced. Paths are absolute.
/// Optional values are those whose default depends on the machine or the list.
struct StageSpec {
  std::string name;
  uint32_t nodes = 1;
  std::optional<uint32_t> min_nodes;  // default: nodes
  uint32_t min_alive = 1;
  std::vector<Input> inputs;       // `inputs` and `broadcast`
  std::vector<std::string> after;  // stages that must have succeeded, inputs' stages not repeated
  CommandSource commands;          // empty for a program stage
  std::string program;             // SPMD program, or a script that calls mpirun itself
  std::optional<uint32_t> ranks_per_node;  // program: mnp calls mpirun with so many ranks a node
  uint32_t restarts = 2;                   // of a program that loses a node

  std::optional<uint32_t> cpus;    // per command; default 1
  std::optional<uint64_t> memory;  // bytes per command
  std::optional<uint32_t> gpus;    // per command
  std::optional<uint32_t> slots;   // commands at once per node
  std::optional<Milliseconds> timeout;
  std::optional<Milliseconds> stage_timeout;
  std::optional<Milliseconds> stall_timeout;
  std::optional<int> warn_signal;  // sent before a timeout ends a command; needs `timeout`
  Milliseconds warn_before{0};     // so long before; set whenever `warn_signal` is
  uint32_t tries = 1;
  std::vector<int> retry_on;  // exit statuses worth another try; empty: any
  Order order = Order::kList;
  Distribution distribution = Distribution::kDynamic;
  OnFailure on_failure = OnFailure::kContinue;
  AllowFailures allow_failures;
  std::optional<Reduce> reduce;
  uint64_t max_output = uint64_t{64} << 20;  // bytes kept of a command's output
  std::string setup;                         // once per node before the commands
  bool stage_inputs = true;
  std::map<std::string, std::string> env;
  std::string cwd;              // absolute; default: the pipeline file's folder
  uint32_t retry_attempts = 3;  // jobs after infrastructure failures
  Milliseconds lease{5000};
  Milliseconds beat{1000};
  Milliseconds join_timeout{600000};

  /// Keys that only AWS knows (queue, image, efa, ...): checked, kept as text, named once as not
  /// applying by a local run.
  std::map<std::string, std::string> aws;
  bool operator==(const StageSpec&) const = default;
};

/// "5s", "1m30s", "250ms": as the file would have it.
std::string duration_text(Milliseconds duration);

/// Every stage that must have succeeded first: those of the inputs, then `after`; each once.
std::vector<std::string> stages_before(const StageSpec& stage);

struct Spec {
  std::string name;
  std::string store;   // absolute path or URL; "" when the file names none
  std::string folder;  // the pipeline file's folder, absolute
  std::string text;    // of the file that read_spec has read, as it is
  std::map<std::string, std::string> parameters;  // after --set
  std::vector<StageSpec> stages;  // each after the stages that it needs, else in the file's order

  /// Where inputs and lists stand ("file:line:column"), for messages about what they name.
  std::map<std::string, std::string> places;
  static std::string place_key(const std::string& stage, std::string_view what,
                               const std::string& of = "");
  /// `what`: "input" and which, or "commands". "stage NAME" where there is no file.
  std::string place_of(const std::string& stage, std::string_view what,
                       const std::string& of = "") const;
};

inline constexpr size_t kMaxSpecBytes = size_t{4} << 20;
inline constexpr size_t kMaxSpecErrors = 20;  // listed at once
inline constexpr size_t kMaxName = 64;        // bytes of a pipeline's or stage's name

/// Parses and checks a pipeline file. Every error reads `file:line:column: what; what to type`
/// (code kConfig): unknown keys with the nearest valid one, wrong types and units, cycles,
/// unknown stages, doubled names, parameters that `set` names and the file does not declare,
/// `${names}` that nobody declares, keys that do not go together. Independent errors are listed
/// together, one a line, in the file's order.
/// `file` is for messages and for the folder that relative paths are relative to.
Result<Spec> parse_spec(std::string_view text, const std::string& file,
                        const std::map<std::string, std::string>& set = {});
Result<Spec> read_spec(const std::string& file, const std::map<std::string, std::string>& set = {});

/// The one-stage pipeline of `mnp run --commands LIST --nodes N [--cpus C]`; the stage is `main`.
Spec spec_of_list(const std::string& list_path, uint32_t nodes, std::optional<uint32_t> cpus);

}  // namespace mnp::model
