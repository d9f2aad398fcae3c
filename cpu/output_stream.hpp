// Every command's output of one node in one indexed stream (docs/output.md).
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "cpu/command_runner.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"
#include "mnp/core/store.hpp"
#include "mnp/model/record.hpp"

namespace mnp::cpu {

/// What gathered between two takes: the bytes, and one line for every chunk of them.
struct Segment {
  uint32_t number = 0;  // from 1
  std::string log;
  std::string
      idx;  // "offset length command start seconds\n", or with a sixth field: see OutputChunk
};

/// Thread-safe.
class OutputStream {
 public:
  static constexpr size_t kDefaultLimit = size_t{32} << 20;  // pending bytes

  explicit OutputStream(size_t limit = kDefaultLimit) : limit_(limit) {}

  struct Place {
    uint32_t segment = 0;
    uint64_t offset = 0;
  };
  /// nullopt: too much is pending; nothing was taken (a chunk larger than the limit is taken when
  /// nothing is pending). Adjacent chunks of one start are one line of the index.
  std::optional<Place> append(CommandIndex command, uint32_t start, std::string_view bytes);
  /// Says that the start printed more than its `kept` bytes; returns the segment that says it.
  uint32_t cut(CommandIndex command, uint32_t start, uint64_t kept);
  /// All that is pending as the next segment; nullopt when there is nothing.
  std::optional<Segment> take();
  size_t pending_bytes() const;

 private:
  void close_chunk();

  const size_t limit_;
  mutable std::mutex mutex_;
  Segment pending_{1, {}, {}};
  uint64_t chunk_offset_ = 0;
  CommandIndex chunk_command_;
  uint32_t chunk_start_ = 0;
  double chunk_seconds_ = 0;
};

/// The sink for one start of one command; remembers where its output lies.
class CommandOutput : public OutputSink {
 public:
  CommandOutput(OutputStream& stream, CommandIndex command, uint32_t start)
      : stream_(stream), command_(command), start_(start) {}
  bool write(std::string_view bytes) override;
  void cut() override;

  /// Segment and offset of the first byte, and the number of bytes, which may go on, between those
  /// of other commands, in this segment and in later ones: readers follow the index.
  const model::OutputRange& range() const { return range_; }
  /// Segment that holds the last byte, or that it was cut (0: there was no output): the output is
  /// kept once this segment is.
  uint32_t last_segment() const { return last_segment_; }

 private:
  OutputStream& stream_;
  const CommandIndex command_;
  const uint32_t start_;
  model::OutputRange range_;
  uint32_t last_segment_ = 0;
};

/// Creates `<prefix>/<number>.log`, then `.idx`. `prefix`: ".../output/node-0003.1". Safe to call
/// again after a failure (what is there already with the same bytes is success).
Status write_segment(Store& store, const std::string& prefix, const Segment& segment);

struct OutputChunk {
  CommandIndex command;
  uint32_t start = 0;
  double seconds = 0;  // since 1970, when its first byte was read
  std::string_view bytes;
  std::optional<uint64_t> cut_at = {};  // no bytes: this start's output beyond so many was dropped
};

/// Calls `each` for every chunk (of `command` alone, if given) of the segments from `first_segment`
/// on, in order. Returns the number of the first segment that is not there yet, for the next call
/// when following. A line of the index that makes no sense is kProtocol and names segment and line.
Result<uint32_t> read_output(Store& store, const std::string& prefix,
                             std::optional<CommandIndex> command, uint32_t first_segment,
                             const std::function<void(const OutputChunk&)>& each);

}  // namespace mnp::cpu
