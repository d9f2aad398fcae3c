// Writes the blocks of tree_block.hpp below a temporary name, and gives it its own name when all
// is there.
#pragma once

#include <string>
#include <vector>

#include "comms/tree_block.hpp"
#include "mnp/core/files.hpp"
#include "mnp/core/frame.hpp"

namespace mnp::comms {

class TreeWriter {
 public:
  /// Makes the folder that will hold `target`; what an earlier attempt left is removed.
  static Result<TreeWriter> create(const fs::path& target);
  TreeWriter(TreeWriter&& other) noexcept;
  TreeWriter& operator=(TreeWriter&&) = delete;
  /// Removes what has not been committed.
  ~TreeWriter();

  /// Errors name the file. kProtocol: the block is damaged, or a file is not what was read.
  Status take(std::string_view block);
  /// Replaces `target` by what was written. Not synced: it is the node's copy.
  Status commit();

 private:
  struct Mode {
    std::string path;
    uint32_t bits;
  };
  TreeWriter(fs::path target, fs::path temporary)
      : target_(std::move(target)), temporary_(std::move(temporary)) {}
  Status take_record(Decoder& in);
  Status make_folder(const std::string& path, uint32_t mode);
  Status begin_file(const std::string& path, uint32_t mode);
  Status write(std::string_view data);
  Status end_file(uint64_t bytes, uint32_t crc);
  fs::path full(const std::string& path) const {
    return path.empty() ? temporary_ : temporary_ / path;
  }
  std::string shown(const std::string& path) const;

  fs::path target_, temporary_;
  std::vector<Mode> folders_;  // modes that are set once all is written
  Fd file_;
  std::string file_path_;
  uint32_t file_mode_ = 0;
  uint64_t file_bytes_ = 0;
  uint32_t file_crc_ = 0;
  bool any_ = false;
};

}  // namespace mnp::comms
