#include "mnp/node/publish_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include <fmt/format.h>

#include "mnp/core/log.hpp"

namespace mnp::node {
namespace {

constexpr auto kLockLimit = std::chrono::minutes(2);  // while one holder follows another
constexpr Milliseconds kFirstPause{1}, kLongestPause{16};
constexpr Milliseconds kSayEvery{500};
constexpr size_t kMaxWords = 256;  // bytes in a lock's file

fs::path lock_path(const fs::path& names, uint32_t number) {
  return names / fmt::format(".lock-{}", number);
}

bool is_there(const fs::path& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

tl::unexpected<Error> store_errno(const std::string& what) {
  return fail(Code::kStore, fail_errno(what).value().text);
}

/// Who holds it, and a number that each sign of life changes.
std::string read_words(const Fd& fd) {
  std::string words(kMaxWords, '\0');
  const ssize_t n = ::pread(fd.get(), words.data(), words.size(), 0);
  words.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return words;
}

/// What a waiter has seen of the lock, and since when.
struct Seen {
  uint32_t number = 0;
  std::string words;
  TimePoint since{};
};

}  // namespace

fs::path incoming_folder(const fs::path& results) {
  return results / ".incoming";
}

std::vector<fs::path> fenced_folders(const fs::path& results, const std::string& holder) {
  std::vector<fs::path> folders;
  if (const auto names = list_folder(incoming_folder(results)))
    for (const std::string& name : *names)
      if (name.rfind(holder + ".fenced-", 0) == 0)
        folders.push_back(incoming_folder(results) / name);
  return folders;
}

Status PublishLock::say() {
  static std::atomic<uint64_t> counter{0};
  const std::string words = fmt::format("{} {:020}", holder_, ++counter);
  MNP_ASSERT(words.size() <= kMaxWords, "a holder's name over its limit");
  if (::pwrite(fd_.get(), words.data(), words.size(), 0) != static_cast<ssize_t>(words.size()) ||
      ::ftruncate(fd_.get(), static_cast<off_t>(words.size())) != 0)
    return store_errno("write to the lock of " + names_.string());
  said_ = Clock::now();
  return {};
}

Status PublishLock::renew() {
  return Clock::now() - said_ < kSayEvery ? Status() : say();
}

/// nullopt: another was faster.
Result<std::optional<PublishLock>> PublishLock::take_over(const fs::path& results,
                                                          const std::string& holder,
                                                          uint32_t number, const Fd& old) {
  const fs::path names = results / ".names";
  const fs::path made = incoming_folder(results) / holder / fmt::format(".lock-{}", number);
  Fd fd(::open(made.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return store_errno("make " + made.string());
  PublishLock lock(names, holder, std::move(fd));
  MNP_CHECK(lock.say());
  const bool won = ::link(made.c_str(), lock_path(names, number).c_str()) == 0;
  const int why = errno;
  ::unlink(made.c_str());
  if (!won && why == EEXIST) return std::nullopt;
  errno = why;
  if (!won) return store_errno("take over the lock of " + names.string());
  // A holder says its name before it looks for the next lock: what stands there is its name, or it
  // has changed nothing and never will.
  const std::string words = read_words(old);
  const std::string frozen = words.substr(0, words.find(' '));
  log::warning("{} has held the lock of {} for too long; it is put out of the way", frozen,
               names.string());
  const fs::path folder = incoming_folder(results) / frozen;
  const fs::path fenced = folder.string() + fmt::format(".fenced-{}", number);
  if (!frozen.empty() && ::rename(folder.c_str(), fenced.c_str()) != 0 && errno != ENOENT)
    return store_errno("rename " + folder.string());
  return lock;
}

Result<PublishLock> PublishLock::acquire(const fs::path& results, const std::string& holder,
                                         Milliseconds patience) {
  const fs::path names = results / ".names";
  for (const fs::path& folder : {names, incoming_folder(results) / holder})
    if (auto made = make_folders(folder); !made) return fail(Code::kStore, made.error().text);
  const TimePoint deadline = Clock::now() + kLockLimit;
  Milliseconds pause = kFirstPause;
  Seen seen;
  for (uint32_t number = 1;;) {
    while (is_there(lock_path(names, number + 1))) ++number;
    Fd fd(::open(lock_path(names, number).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd) return store_errno("open the lock of " + names.string());
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      PublishLock lock(names, holder, std::move(fd));
      MNP_CHECK(lock.say());
      if (!is_there(lock_path(names, number + 1))) return lock;
      continue;
    }
    if (errno != EWOULDBLOCK) return store_errno("lock " + names.string());
    const TimePoint now = Clock::now();
    std::string words = read_words(fd);
    if (seen.number != number || seen.words != words) {
      seen = {number, std::move(words), now};
    } else if (now - seen.since > patience) {
      MNP_TRY(auto taken, take_over(results, holder, number + 1, fd));
      if (taken) return std::move(*taken);
      continue;
    }
    if (now > deadline) return fail(Code::kStore, names.string() + " stays locked");
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace mnp::node
