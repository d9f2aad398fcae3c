// tests/model/spec_cases/NAME.yaml: a valid file, or one whose errors stand in NAME.err.
// A case is two files; MNP_UPDATE_GOLDEN=1 writes the .err of those that have one.
#include <cstdlib>

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"
#include "mnp/model/spec.hpp"

namespace mnp::model {
namespace {

const fs::path kCases = fs::path(MNP_SOURCE_DIR) / "tests/model/spec_cases";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const std::string& file : list_folder(kCases).value_or(std::vector<std::string>{}))
    if (fs::path(file).extension() == ".yaml") names.push_back(fs::path(file).stem().string());
  return names;
}

class SpecCase : public testing::TestWithParam<std::string> {};

TEST_P(SpecCase, SaysWhatIsExpected) {
  const auto text = read_file(kCases / (GetParam() + ".yaml"));
  ASSERT_TRUE(text);
  const auto spec = parse_spec(*text, GetParam() + ".yaml");
  const fs::path golden = kCases / (GetParam() + ".err");
  if (!fs::exists(golden)) {
    EXPECT_TRUE(spec) << spec.error().text;
    return;
  }
  ASSERT_FALSE(spec) << "accepted, but " << golden << " expects an error";
  EXPECT_EQ(spec.error().code, Code::kConfig);
  if (std::getenv("MNP_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(replace_file(golden, spec.error().text + "\n"));
  }
  EXPECT_EQ(spec.error().text + "\n", read_file(golden).value_or("none"));
}

INSTANTIATE_TEST_SUITE_P(All, SpecCase, testing::ValuesIn(case_names()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace mnp::model
