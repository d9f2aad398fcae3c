#include "mnp/model/environment.hpp"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"

namespace mnp::model {
namespace {

std::string word(ReadBy reader) {
  switch (reader) {
    case ReadBy::kMnp:
      return "mnp";
    case ReadBy::kNode:
      return "mnp-node";
    case ReadBy::kRank:
      return "mnp-rank";
    case ReadBy::kCommand:
      return "commands";
    case ReadBy::kRsh:
      return "mnp-rsh";
  }
  return "?";
}

/// Rows "| `NAME` | reader | meaning |" of docs/environment.md by name.
std::map<std::string, std::string> documented() {
  std::map<std::string, std::string> rows;
  const auto text = read_file(fs::path(MNP_SOURCE_DIR) / "docs/environment.md");
  EXPECT_TRUE(text);
  if (!text) return rows;
  for (const std::string& line : split(*text, '\n')) {
    if (!starts_with(line, "| `")) continue;
    const std::string name = line.substr(3, line.find('`', 3) - 3);
    EXPECT_TRUE(rows.emplace(name, line).second) << name << " is documented twice";
  }
  return rows;
}

TEST(Environment, TheDocumentSaysWhatTheTableSays) {
  auto rows = documented();
  for (const Variable& variable : kVariables) {
    const std::string name(variable.name);
    EXPECT_EQ(rows[name], "| `" + name + "` | " + word(variable.reader) + " | " +
                              std::string(variable.meaning) + " |");
    rows.erase(name);
  }
  for (const auto& [name, row] : rows) ADD_FAILURE() << name << " is in the document only";
}

TEST(Environment, NamesAreOursOnce) {
  const std::set<std::string_view> borrowed = {"LIST_FILE_S3_PATH",
                                               "MASTER_ADDR",
                                               "MASTER_PORT",
                                               "NODE_RANK",
                                               "NNODES",
                                               "AWS_BATCH_JOB_ARRAY_INDEX",
                                               "ARRAY_SIZE",
                                               "CUDA_VISIBLE_DEVICES",
                                               "OMP_NUM_THREADS"};
  std::set<std::string_view> names;
  for (const Variable& variable : kVariables) {
    EXPECT_TRUE(names.insert(variable.name).second) << variable.name;
    EXPECT_TRUE(starts_with(variable.name, "MNP_") || borrowed.count(variable.name) > 0)
        << variable.name;
    EXPECT_FALSE(variable.meaning.empty()) << variable.name;
    EXPECT_EQ(variable.meaning.find('|'), std::string_view::npos) << variable.name;
  }
}

}  // namespace
}  // namespace mnp::model
