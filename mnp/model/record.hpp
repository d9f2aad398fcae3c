// What happened to one start of one command: the unit that agents report and journals keep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mnp/core/frame.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"

namespace mnp::model {

// Limits of a record, which `check` holds a peer to.
inline constexpr size_t kMaxResultFiles = 65536;  // of one start
inline constexpr size_t kMaxResultPath = 4096;    // bytes
inline constexpr size_t kMaxRecordError = 8192;   // bytes; `encode` cuts longer ones

/// How a process ended: the one place where a wait status is understood is cpu/.
struct Ending {
  enum class Kind : uint8_t { kExited, kSignalled, kTimedOut, kNotStarted };
  Kind kind = Kind::kExited;
  int value = 0;  // exit code, signal number, or errno for kNotStarted
  bool success() const { return kind == Kind::kExited && value == 0; }
  bool operator==(const Ending&) const = default;
};
/// "exit 3", "signal 9 (SIGKILL)", "timed out", "could not be started: ..."
std::string to_text(const Ending& ending);

/// One file of a command's results, or one partial of a reduction.
struct ResultFile {
  std::string path;     // below the stage's results/ (partials: below $MNP_RESULTS)
  uint64_t bytes = 0;
  uint32_t crc32c = 0;
  bool partial = false;  // matched by `reduce`: lies under attempts/<...>/partials/<key>/<path>
  bool operator==(const ResultFile&) const = default;
};

/// Where a command's output lies in its node's stream: segment number (from 1), byte offset and
/// length in that segment's .log. Output over max_output is cut and `truncated` set.
struct OutputRange {
  uint32_t segment = 0;  // 0: there was none
  uint64_t offset = 0;
  uint64_t length = 0;
  bool truncated = false;
  bool operator==(const OutputRange&) const = default;
};

struct Record {
  CommandIndex command;
  uint32_t start = 1;  // counts every start of the command in the run, from 1 (MNP_TRY)
  NodeIndex node;
  Incarnation incarnation;
  SlotIndex slot;
  Ending ending;
  double started = 0, ended = 0;  // seconds since 1970
  double cpu_seconds = 0;
  uint64_t max_rss_kib = 0;
  OutputRange output;
  std::vector<ResultFile> files;
  std::string error;  // why results could not be published; then the start counts as failed
  bool success() const { return ending.success() && error.empty(); }
  StartId id() const { return {command, start}; }
  bool operator==(const Record&) const = default;
};

/// Binary form for messages (mnp/core/frame.hpp).
void encode(const Record& record, Encoder& out);
Record decode_record(Decoder& in);
/// kProtocol names what a decoded record has over the limits or out of its range.
Status check(const Record& record);

}  // namespace mnp::model
