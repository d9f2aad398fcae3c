// The lock under which files take their places in results/: of one holder at a time, on one of a
// row of files .names/.lock-1, .lock-2, ..., of which the last counts. The system gives it back
// when its holder dies. One that does nothing for long may be frozen, with everything that would
// end it:
//
//   1. whoever waits makes the next file of the row, locked already; that works for one alone
//   2. the frozen holder's folder of incoming files gets another name
//
// All that a holder changes it renames out of that folder. So one that thaws changes nothing any
// more; it fails, and may begin anew.
#pragma once

#include <optional>
#include <string>

#include "mnp/core/files.hpp"
#include "mnp/core/result.hpp"

namespace mnp::node {

/// results/.incoming: where files wait, complete, for their place.
fs::path incoming_folder(const fs::path& results);
/// Folders that hold what the holder had in its own when it was put out of the way.
std::vector<fs::path> fenced_folders(const fs::path& results, const std::string& holder);

/// Held while it lives.
class PublishLock {
 public:
  /// `holder`: a name that no other process has, of its folder below incoming_folder(), which is
  /// made. A holder that does not call `renew` for `patience` is put out of the way. kStore: the
  /// store fails, or one holder followed another for minutes.
  static Result<PublishLock> acquire(const fs::path& results, const std::string& holder,
                                     Milliseconds patience);
  /// To be called before each step: others see that this holder moves. kStore: the store fails.
  Status renew();

 private:
  PublishLock(fs::path names, std::string holder, Fd fd)
      : names_(std::move(names)), holder_(std::move(holder)), fd_(std::move(fd)) {}
  static Result<std::optional<PublishLock>> take_over(const fs::path& results,
                                                      const std::string& holder, uint32_t number,
                                                      const Fd& old);
  Status say();

  fs::path names_;
  std::string holder_;
  Fd fd_;
  TimePoint said_{};
};

}  // namespace mnp::node
