#include "mnp/model/command_list.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::model {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view without_trailing_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool in_number(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

struct Hinted {
  std::string_view line;  // without the hint
  double cost = 0;        // 0: there was none
};

/// Cuts ` # cost=12.5` from the end of a line: at least one blank (`foo#bar` is a word to a
/// shell), '#', blanks, "cost=", a number >= 0, blanks. Anything else stays a comment for the
/// shell.
Hinted split_hint(std::string_view line) {
  constexpr std::string_view kWord = "cost=";
  std::string_view rest = without_trailing_blanks(line);
  const char* const number_end = rest.data() + rest.size();
  while (!rest.empty() && in_number(rest.back())) rest.remove_suffix(1);
  const char* const number = rest.data() + rest.size();
  if (number == number_end || rest.size() < kWord.size() ||
      rest.substr(rest.size() - kWord.size()) != kWord)
    return {line};
  rest.remove_suffix(kWord.size());
  rest = without_trailing_blanks(rest);
  if (rest.empty() || rest.back() != '#') return {line};
  rest.remove_suffix(1);
  if (!rest.empty() && !is_blank(rest.back())) return {line};
  rest = without_trailing_blanks(rest);
  if (!rest.empty() && rest.back() == '\\') return {line};  // `\ #`: the blank was quoted
  double cost = 0;
  const auto [end, error] = std::from_chars(number, number_end, cost);
  if (error != std::errc() || end != number_end || !(cost >= 0) || !std::isfinite(cost))
    return {line};
  return {rest, cost};
}

bool is_skipped(std::string_view line) {
  return line.empty() || line.front() == '#' || without_trailing_blanks(line).empty();
}

/// Where each command starts, 5 bytes each, in chunks so that growing never copies.
class Offsets {
 public:
  void push(uint64_t offset) {
    const size_t at = size_ % kChunk;
    if (at == 0) chunks_.push_back(std::make_unique<Chunk>());
    chunks_.back()->low[at] = static_cast<uint32_t>(offset);
    chunks_.back()->high[at] = static_cast<uint8_t>(offset >> 32);
    ++size_;
  }
  uint64_t operator[](size_t index) const {
    const Chunk& chunk = *chunks_[index / kChunk];
    return uint64_t{chunk.high[index % kChunk]} << 32 | chunk.low[index % kChunk];
  }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kChunk = 4096;
  struct Chunk {
    std::array<uint32_t, kChunk> low;
    std::array<uint8_t, kChunk> high;
  };
  std::vector<std::unique_ptr<Chunk>> chunks_;
  size_t size_ = 0;
};

/// The list's bytes: a mapping, or a string that was read.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() {
    if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
  }
  void hold(std::string text) { text_ = std::move(text); }
  bool map(int fd, size_t size) {
    void* const mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping == MAP_FAILED) return false;
    ::madvise(mapping, size, MADV_SEQUENTIAL);
    mapping_ = mapping;
    mapped_ = size;
    return true;
  }
  void indexed() const {
    if (mapping_ != nullptr) ::madvise(mapping_, mapped_, MADV_NORMAL);
  }
  std::string_view view() const {
    return mapping_ != nullptr ? std::string_view(static_cast<const char*>(mapping_), mapped_)
                               : std::string_view(text_);
  }

 private:
  std::string text_;
  void* mapping_ = nullptr;
  size_t mapped_ = 0;
};

/// Spreads a hash's bits (splitmix64's finaliser; Steele, Lea, Flood 2014).
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

constexpr uint64_t kOccurrenceStep = 0x9e3779b97f4a7c15u;  // odd: every occurrence differs

/// Replaces each hash by its identity: equal hashes are numbered in list order. The indices are
/// dealt into buckets by their hash, and sorted there; 4 bytes a command beyond the hashes.
void number_occurrences(std::vector<uint64_t>& hashes) {
  const int bits = std::clamp(static_cast<int>(std::bit_width(hashes.size() / 128)), 1, 16);
  const size_t buckets = size_t{1} << bits;
  const auto bucket_of = [bits](uint64_t hash) {
    return static_cast<size_t>(mix(hash) >> (64 - bits));
  };
  std::vector<uint32_t> ends(buckets + 1, 0);
  for (const uint64_t hash : hashes) ++ends[bucket_of(hash) + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<uint32_t> order(hashes.size());
  std::vector<uint32_t> next(ends.begin(), ends.end() - 1);
  for (size_t i = 0; i < hashes.size(); ++i)
    order[next[bucket_of(hashes[i])]++] = static_cast<uint32_t>(i);

  const auto before = [&](uint32_t a, uint32_t b) {
    return hashes[a] != hashes[b] ? hashes[a] < hashes[b] : a < b;
  };
  for (size_t b = 0; b < buckets; ++b) {
    std::sort(order.begin() + ends[b], order.begin() + ends[b + 1], before);
    uint64_t occurrence = 0, last = 0;
    for (uint32_t i = ends[b]; i < ends[b + 1]; ++i) {
      uint64_t& hash = hashes[order[i]];
      occurrence = i > ends[b] && hash == last ? occurrence + 1 : 0;
      last = hash;
      hash = mix(hash + occurrence * kOccurrenceStep);
    }
  }
}

Status read_bytes(const fs::path& path, const std::string& name, Bytes& bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    const auto error = fail_errno("");
    return fail(error.value().code == Code::kNotFound ? Code::kNotFound : Code::kConfig,
                fmt::format("cannot read the command list {}: {}; give the path of a file with "
                            "one command a line",
                            name, std::strerror(errno)));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("stat " + name);
  if (S_ISDIR(info.st_mode))
    return fail(Code::kConfig, fmt::format("the command list {} is a folder; give the path of a "
                                           "file with one command a line",
                                           name));
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > kMaxListBytes)
    return fail(Code::kConfig,
                fmt::format("the command list {} is larger than {}; put what its commands have "
                            "in common into a script, or split it into stages",
                            name, format_bytes(kMaxListBytes)));
  if (S_ISREG(info.st_mode) && size > 0 && bytes.map(fd.get(), size)) return {};
  auto text = read_all(fd.get(), kMaxListBytes);
  if (!text) return fail(text.error().within(name));
  bytes.hold(std::move(*text));
  return {};
}

}  // namespace

struct CommandList::Storage {
  Bytes bytes;
  Offsets offsets;
  bool has_costs = false;

  /// The raw line that starts at `start`: up to its end, without CR.
  static std::string_view raw_line(std::string_view all, size_t start) {
    const void* const end = std::memchr(all.data() + start, '\n', all.size() - start);
    size_t length = all.size() - start;
    if (end != nullptr)
      length = static_cast<size_t>(static_cast<const char*>(end) - (all.data() + start));
    std::string_view line = all.substr(start, length);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  Hinted at(CommandIndex index) const {
    MNP_ASSERT(index.value() < offsets.size(), "a command that the list does not have");
    return split_hint(raw_line(bytes.view(), offsets[index.value()]));
  }
  Status index(const std::string& name);
  static Status check(std::string_view line, uint64_t number, const std::string& name);
  Status add(std::string_view line, uint64_t offset, uint64_t number, const std::string& name);
};

Status CommandList::Storage::check(std::string_view line, uint64_t number,
                                   const std::string& name) {
  if (line.size() > kMaxLine)
    return fail(Code::kConfig,
                fmt::format("{}:{}: the line has {} bytes and may have {}; put the command into a "
                            "script",
                            name, number, line.size(), kMaxLine));
  if (const void* nul = std::memchr(line.data(), '\0', line.size()); nul != nullptr)
    return fail(Code::kConfig,
                fmt::format("{}:{}:{}: a NUL byte; the list must be text", name, number,
                            static_cast<const char*>(nul) - line.data() + 1));
  return {};
}

Status CommandList::Storage::add(std::string_view line, uint64_t offset, uint64_t number,
                                 const std::string& name) {
  MNP_CHECK(check(line, number, name));
  if (is_skipped(line)) return {};
  const Hinted hinted = split_hint(line);
  if (hinted.line.size() != line.size()) {
    if (without_trailing_blanks(hinted.line).empty()) return {};
    has_costs = true;
  }
  if (offsets.size() == kMaxCommands)
    return fail(Code::kConfig, fmt::format("{}:{}: more than {} commands; split the list", name,
                                           number, kMaxCommands));
  offsets.push(offset);
  return {};
}

Status CommandList::Storage::index(const std::string& name) {
  const std::string_view all = bytes.view();
  size_t start = starts_with(all, kByteOrderMark) ? kByteOrderMark.size() : 0;
  for (uint64_t number = 1; start < all.size(); ++number) {
    const void* const end = std::memchr(all.data() + start, '\n', all.size() - start);
    const size_t stop = end == nullptr
                            ? all.size()
                            : static_cast<size_t>(static_cast<const char*>(end) - all.data());
    std::string_view line = all.substr(start, stop - start);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) MNP_CHECK(add(line, start, number, name));
    start = stop + 1;
  }
  bytes.indexed();
  return {};
}

CommandList::CommandList(std::unique_ptr<Storage> storage) : storage_(std::move(storage)) {}
CommandList::CommandList(CommandList&&) noexcept = default;
CommandList& CommandList::operator=(CommandList&&) noexcept = default;
CommandList::~CommandList() = default;

Result<CommandList> CommandList::open(const fs::path& path, const std::string& name) {
  auto storage = std::make_unique<Storage>();
  MNP_CHECK(read_bytes(path, name, storage->bytes));
  MNP_CHECK(storage->index(name));
  return CommandList(std::move(storage));
}

Result<CommandList> CommandList::of_program(std::string program) {
  std::replace(program.begin(), program.end(), '\n', ' ');
  MNP_CHECK(Storage::check(program, 1, "program"));
  auto storage = std::make_unique<Storage>();
  storage->bytes.hold(std::move(program));
  storage->offsets.push(0);  // one command, whatever it begins with
  return CommandList(std::move(storage));
}

Result<CommandList> CommandList::parse(std::string text, const std::string& name) {
  auto storage = std::make_unique<Storage>();
  storage->bytes.hold(std::move(text));
  MNP_CHECK(storage->index(name));
  return CommandList(std::move(storage));
}

uint32_t CommandList::size() const {
  return static_cast<uint32_t>(storage_->offsets.size());
}
std::string_view CommandList::line(CommandIndex index) const {
  return storage_->at(index).line;
}
double CommandList::cost(CommandIndex index) const {
  return storage_->at(index).cost;
}
bool CommandList::has_costs() const {
  return storage_->has_costs;
}

std::vector<uint64_t> CommandList::identities() const {
  std::vector<uint64_t> hashes(size());
  for (uint32_t i = 0; i < size(); ++i) hashes[i] = fnv1a(line(CommandIndex(i)));
  number_occurrences(hashes);
  return hashes;
}

uint64_t CommandList::digest() const {
  uint64_t digest = mix(size());
  for (uint32_t i = 0; i < size(); ++i)
    digest = mix(digest ^ fnv1a(line(CommandIndex(i)))) + kOccurrenceStep;
  return digest;
}

}  // namespace mnp::model
