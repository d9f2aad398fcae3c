#include "mnp/node/results_folders.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace mnp::node {
namespace {

// Neither 0 nor 1, which archives made to be reproducible carry, and no whole second.
constexpr timespec kStamp{260417, 482159263};

void stamp(const fs::path& folder) {
  const timespec times[] = {{0, UTIME_OMIT}, kStamp};
  ::utimensat(AT_FDCWD, folder.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

bool has_stamp(const struct stat& info) {
  return info.st_mtim.tv_sec == kStamp.tv_sec && info.st_mtim.tv_nsec == kStamp.tv_nsec;
}

}  // namespace

Result<ResultsFolders> ResultsFolders::create(fs::path root) {
  ResultsFolders folders(std::move(root));
  MNP_CHECK(folders.try_stamps());
  return folders;
}

/// Does a stamp last, and does a new entry end it?
Status ResultsFolders::try_stamps() {
  MNP_TRY(const fs::path folder, make("stamped"));
  struct stat before {
  }, after{};
  const bool stamped = ::lstat(folder.c_str(), &before) == 0 && has_stamp(before);
  MNP_CHECK(make_folders(folder / "entry"));
  stamps_ = stamped && ::lstat(folder.c_str(), &after) == 0 && !has_stamp(after);
  return remove_tree(folder);
}

Result<fs::path> ResultsFolders::make(const std::string& name) const {
  const fs::path folder = root_ / name;
  MNP_CHECK(make_folders(folder));
  stamp(folder);
  return folder;
}

bool ResultsFolders::untouched(const fs::path& folder) const {
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return false;
  if ((info.st_mode & 0700) != 0700) return false;
  if (stamps_ && has_stamp(info)) return true;
  std::error_code error;
  if (!fs::is_empty(folder, error) || error) return false;
  stamp(folder);  // something was here and went
  return true;
}

}  // namespace mnp::node
