// The schema and the document say what the parser does: both are made from its table.
#include "mnp/model/spec_schema.hpp"

#include <cstdlib>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mnp/core/files.hpp"
#include "mnp/model/spec_keys.hpp"

namespace mnp::model {
namespace {

const fs::path kDocs = fs::path(MNP_SOURCE_DIR) / "docs";

bool updating() {
  return std::getenv("MNP_UPDATE_GOLDEN") != nullptr;
}

std::set<std::string> keys_of(const nlohmann::json& object) {
  std::set<std::string> keys;
  for (const auto& item : object.at("properties").items()) keys.insert(item.key());
  return keys;
}

std::set<std::string> table_keys(KeyPlace place, bool in_defaults = false) {
  const auto names = key_names(place, in_defaults);
  return {names.begin(), names.end()};
}

TEST(SpecSchema, FileInDocsIsCurrent) {
  const fs::path path = kDocs / "pipeline.schema.json";
  if (updating()) {
    ASSERT_TRUE(replace_file(path, pipeline_schema()));
  }
  EXPECT_EQ(read_file(path).value_or("none"), pipeline_schema())
      << "run this test with MNP_UPDATE_GOLDEN=1";
}

TEST(SpecSchema, TablesInTheDocumentAreCurrent) {
  const fs::path path = kDocs / "pipeline.md";
  std::string text = read_file(path).value_or("none");
  const std::string heading = "## Keys\n\n";
  const size_t at = text.find(heading);
  ASSERT_NE(at, std::string::npos);
  const std::string expected = text.substr(0, at) + heading + keys_as_markdown();
  if (updating()) {
    ASSERT_TRUE(replace_file(path, expected));
  }
  EXPECT_EQ(read_file(path).value_or("none"), expected) << "run this test with MNP_UPDATE_GOLDEN=1";
}

TEST(SpecSchema, HasTheKeysOfTheParser) {
  const auto schema = nlohmann::json::parse(read_file(kDocs / "pipeline.schema.json").value_or(""));
  EXPECT_EQ(keys_of(schema), table_keys(KeyPlace::kTop));
  const auto& stage = schema.at("definitions").at("stage");
  EXPECT_EQ(keys_of(stage), table_keys(KeyPlace::kStage));
  EXPECT_EQ(keys_of(schema.at("properties").at("defaults")), table_keys(KeyPlace::kStage, true));
  const auto& keys = stage.at("properties");
  EXPECT_EQ(keys_of(keys.at("reduce")), table_keys(KeyPlace::kReduce));
  EXPECT_EQ(keys_of(keys.at("retry")), table_keys(KeyPlace::kRetry));
  EXPECT_EQ(keys_of(keys.at("commands").at("anyOf").at(2)), table_keys(KeyPlace::kCommands));
}

TEST(SpecKeys, NamesAreUniqueAndDocumented) {
  std::set<std::pair<KeyPlace, std::string_view>> seen;
  for (const Key& key : spec_keys()) {
    EXPECT_TRUE(seen.emplace(key.place, key.name).second) << key.name;
    EXPECT_FALSE(key.doc.empty()) << key.name;
    EXPECT_FALSE(expected(key).empty()) << key.name;
    EXPECT_EQ(find_key(key.place, key.name), &key);
  }
}

}  // namespace
}  // namespace mnp::model
