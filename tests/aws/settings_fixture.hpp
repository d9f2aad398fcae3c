// Settings of a home folder and of variables that a test has written.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "aws/settings.hpp"
#include "mnp/core/files.hpp"

namespace mnp::aws {

class SettingsFixture : public testing::Test {
 protected:
  SettingsFixture() { variables["HOME"] = folder.path().string(); }
  void config(const std::string& text) { write(".aws/config", text); }
  fs::path write(const std::string& path, const std::string& text) {
    const fs::path place = folder.path() / path;
    EXPECT_TRUE(make_folders(place.parent_path()));
    EXPECT_TRUE(replace_file(place, text));
    return place;
  }
  Result<Settings> load() const {
    return Settings::load(options, [map = variables](const std::string& name) {
      const auto found = map.find(name);
      return found == map.end() ? "" : found->second;
    });
  }

  TemporaryFolder folder = *TemporaryFolder::create("settings-test-");
  std::map<std::string, std::string> variables;
  SettingsOptions options;
};

}  // namespace mnp::aws
