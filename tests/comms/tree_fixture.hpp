// A folder tree with everything that a broadcast must carry, and a plain description of any tree.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "mnp/core/files.hpp"

namespace mnp::comms {

inline void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Bytes without a pattern that a block could repeat.
inline std::string noise(size_t bytes) {
  std::string text(bytes, '\0');
  uint64_t state = 88172645463325252U + bytes;
  for (char& c : text) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    c = static_cast<char>(state);
  }
  return text;
}

inline void make_tree(const fs::path& top) {
  fs::create_directories(top / "deep/er/still");
  fs::create_directories(top / "empty");
  write_bytes(top / "large", noise((size_t{5} << 20) + 12345));
  write_bytes(top / "deep/er/still/small", "x");
  write_bytes(top / "deep/nothing", "");
  write_bytes(top / "program", "#!/bin/sh\n");
  for (int i = 0; i < 300; ++i)
    write_bytes(top / "deep" / fmt::format("part{:03}", i), noise(static_cast<size_t>(i) * 41));
  fs::create_symlink("deep/er", top / "link");
  fs::create_symlink("/nowhere/at all", top / "dangling");
  ::chmod((top / "program").c_str(), 0755);
  ::chmod((top / "deep/nothing").c_str(), 0400);
  ::chmod((top / "deep/er").c_str(), 0555);
}

/// Of every entry by its relative path, the top as ".": kind, mode and content.
inline std::map<std::string, std::string> describe(const fs::path& top) {
  std::map<std::string, std::string> entries;
  const auto add = [&](const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    std::string text = fmt::format("{:o} ", info.st_mode);
    if (S_ISREG(info.st_mode)) text += *read_file(path);
    if (S_ISLNK(info.st_mode)) text += fs::read_symlink(path).string();
    entries[path.lexically_relative(top).string()] = text;
  };
  add(top);
  if (fs::is_directory(top))
    for (const auto& entry : fs::recursive_directory_iterator(top)) add(entry.path());
  return entries;
}

}  // namespace mnp::comms
