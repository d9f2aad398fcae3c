#include "cpu/output_stream.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "mnp/core/clock.hpp"

namespace mnp::cpu {
namespace {

std::string segment_key(const std::string& prefix, uint32_t number, const char* suffix) {
  char name[32];
  std::snprintf(name, sizeof name, "/%08" PRIu32 "%s", number, suffix);
  return prefix + name;
}

/// put_new; what is there already with the same bytes is from an earlier try of ours.
Status put_once(Store& store, const std::string& key, const std::string& bytes) {
  auto done = store.put_new(key, bytes);
  if (done || done.error().code != Code::kExists) return done;
  MNP_TRY(const std::string there, store.get(key));
  if (there == bytes) return {};
  return done;
}

struct IndexLine {
  uint64_t offset = 0, length = 0;
  uint32_t command = 0, start = 0;
  double seconds = 0;
  std::optional<uint64_t> cut_at;
};

std::optional<IndexLine> parse_line(const std::string& text, uint64_t log_size) {
  IndexLine line;
  int used = 0;
  const int fields =
      std::sscanf(text.c_str(), "%" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu32 " %lf%n",
                  &line.offset, &line.length, &line.command, &line.start, &line.seconds, &used);
  if (fields != 5) return std::nullopt;
  uint64_t kept = 0;
  int more = 0;
  if (line.length == 0 && std::sscanf(text.c_str() + used, " %" SCNu64 "%n", &kept, &more) == 1)
    line.cut_at = kept;
  if (static_cast<size_t>(used) + static_cast<size_t>(more) != text.size()) return std::nullopt;
  if (line.offset > log_size || line.length > log_size - line.offset) return std::nullopt;
  return line;
}

Status read_segment(const std::string& idx_key, const std::string& idx, const std::string& log,
                    std::optional<CommandIndex> command,
                    const std::function<void(const OutputChunk&)>& each) {
  size_t number = 0;
  for (size_t at = 0; at < idx.size();) {
    const size_t end = std::min(idx.find('\n', at), idx.size());
    const auto line = parse_line(idx.substr(at, end - at), log.size());
    ++number;
    if (!line)
      return fail(Code::kProtocol, idx_key + ":" + std::to_string(number) +
                                       ": not \"offset length command start seconds\"");
    const CommandIndex index(line->command);
    if (!command || *command == index)
      each({index, line->start, line->seconds,
            std::string_view(log).substr(line->offset, line->length), line->cut_at});
    at = end + 1;
  }
  return {};
}

}  // namespace

std::optional<OutputStream::Place> OutputStream::append(CommandIndex command, uint32_t start,
                                                        std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  std::string& log = pending_.log;
  if (!log.empty() && log.size() + bytes.size() > limit_) return std::nullopt;
  const Place place{pending_.number, log.size()};
  const bool adjacent =
      log.size() > chunk_offset_ && command == chunk_command_ && start == chunk_start_;
  if (!adjacent) {
    close_chunk();
    chunk_command_ = command;
    chunk_start_ = start;
    chunk_seconds_ = wall_seconds();
  }
  log += bytes;
  return place;
}

/// Writes the index's line for what was appended since the last one.
void OutputStream::close_chunk() {
  const uint64_t end = pending_.log.size();
  if (end > chunk_offset_) {
    char line[128];
    const int length = std::snprintf(
        line, sizeof line, "%" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 " %.6f\n", chunk_offset_,
        end - chunk_offset_, chunk_command_.value(), chunk_start_, chunk_seconds_);
    pending_.idx.append(line, static_cast<size_t>(length));
  }
  chunk_offset_ = end;
}

uint32_t OutputStream::cut(CommandIndex command, uint32_t start, uint64_t kept) {
  const std::lock_guard lock(mutex_);
  close_chunk();
  char line[128];
  const int length =
      std::snprintf(line, sizeof line, "%" PRIu64 " 0 %" PRIu32 " %" PRIu32 " %.6f %" PRIu64 "\n",
                    chunk_offset_, command.value(), start, wall_seconds(), kept);
  pending_.idx.append(line, static_cast<size_t>(length));
  return pending_.number;
}

std::optional<Segment> OutputStream::take() {
  const std::lock_guard lock(mutex_);
  if (pending_.log.empty() && pending_.idx.empty()) return std::nullopt;
  close_chunk();
  Segment taken = std::move(pending_);
  pending_ = Segment{taken.number + 1, {}, {}};
  chunk_offset_ = 0;
  return taken;
}

size_t OutputStream::pending_bytes() const {
  const std::lock_guard lock(mutex_);
  return pending_.log.size();
}

bool CommandOutput::write(std::string_view bytes) {
  const auto place = stream_.append(command_, start_, bytes);
  if (!place) return false;
  if (range_.segment == 0) {
    range_.segment = place->segment;
    range_.offset = place->offset;
  }
  range_.length += bytes.size();
  last_segment_ = place->segment;
  return true;
}

void CommandOutput::cut() {
  last_segment_ = stream_.cut(command_, start_, range_.length);
}

Status write_segment(Store& store, const std::string& prefix, const Segment& segment) {
  MNP_CHECK(put_once(store, segment_key(prefix, segment.number, ".log"), segment.log));
  return put_once(store, segment_key(prefix, segment.number, ".idx"), segment.idx);
}

Result<uint32_t> read_output(Store& store, const std::string& prefix,
                             std::optional<CommandIndex> command, uint32_t first_segment,
                             const std::function<void(const OutputChunk&)>& each) {
  for (uint32_t number = std::max(first_segment, 1u);; ++number) {
    const std::string idx_key = segment_key(prefix, number, ".idx");
    const auto idx = store.get(idx_key);
    if (!idx && idx.error().code == Code::kNotFound) return number;
    if (!idx) return fail(idx.error());
    MNP_TRY(const std::string log, store.get(segment_key(prefix, number, ".log")));
    MNP_CHECK(read_segment(idx_key, *idx, log, command, each));
  }
}

}  // namespace mnp::cpu
