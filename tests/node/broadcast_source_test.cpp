#include "mnp/node/broadcast_source.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

class BroadcastSource : public testing::Test {
 protected:
  TemporaryFolder folder = *TemporaryFolder::create("broadcast-source-");
  const fs::path file = fs::canonical(folder.path()) / "data", link = folder.path() / "link";
};

TEST_F(BroadcastSource, IsWhereTheLinkLeads) {
  ASSERT_TRUE(replace_file(file, "x"));
  fs::create_symlink(file, link);
  const auto source = broadcast_source(link);
  ASSERT_TRUE(source) << source.error().text;
  EXPECT_EQ(*source, file.string());
}

TEST_F(BroadcastSource, ThatIsNotThereIsAWrongConfiguration) {
  fs::create_symlink(file, link);
  const auto source = broadcast_source(link);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, Code::kConfig);
  EXPECT_NE(source.error().text.find(link.string()), std::string::npos);
  fs::remove(link);
  fs::create_symlink(link, link);
  EXPECT_EQ(broadcast_source(link).error().code, Code::kConfig);
}

TEST_F(BroadcastSource, ThatCannotBeFoundOutIsTheStoresFailure) {
  for (const std::errc each :
       {std::errc::io_error, std::errc::timed_out, std::errc::host_unreachable})
    EXPECT_EQ(code_of_missing(std::make_error_code(each)), Code::kStore);
  EXPECT_EQ(code_of_missing(std::error_code(ESTALE, std::generic_category())), Code::kStore);
  EXPECT_EQ(code_of_missing(std::make_error_code(std::errc::permission_denied)), Code::kConfig);
}

}  // namespace
}  // namespace mnp::node
