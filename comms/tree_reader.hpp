// Reads a file or a folder into the blocks of tree_block.hpp, in bounded memory but for the names
// of the folders that are open.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "comms/tree_block.hpp"
#include "mnp/core/files.hpp"

namespace mnp::comms {

class TreeReader {
 public:
  /// A symbolic link as `source` is followed; links below it stay links. Entries come in the order
  /// of their names. kNotFound: there is no source.
  static Result<TreeReader> open(const fs::path& source);

  /// The next block; "" once all has been said. Errors name the file; kConfig for what is neither
  /// file, folder nor link.
  Result<std::string> next();

 private:
  struct Folder {
    std::string path;  // relative
    std::vector<std::string> names;
    size_t next = 0;
  };
  explicit TreeReader(fs::path source) : source_(std::move(source)) {}
  bool finished() const { return begun_ && folders_.empty() && !file_; }
  Status step();
  Status enter(const std::string& path, bool follow);
  Status read_file_on();
  void add(std::string_view record);
  fs::path full(const std::string& path) const { return path.empty() ? source_ : source_ / path; }

  fs::path source_;
  bool begun_ = false;
  std::vector<Folder> folders_;  // open ones, outermost first
  Fd file_;                      // being read, if any
  std::string file_path_;
  uint64_t file_bytes_ = 0;
  uint32_t file_crc_ = 0;
  uint32_t records_ = 0;
  std::string block_;
};

}  // namespace mnp::comms
