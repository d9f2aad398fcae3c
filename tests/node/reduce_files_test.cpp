#include "mnp/node/reduce_files.hpp"

#include "mnp/core/text.hpp"
#include "stage_fixture.hpp"

namespace mnp::node {
namespace {

class ReduceFilesTest : public StageTest {
 protected:
  ReduceFiles files{context};
};

TEST_F(ReduceFilesTest, OfAFolderAreTheStoresOwn) {
  ASSERT_TRUE(files.bring({"a-1/partials/x"}));
  EXPECT_EQ(files.file("a-1/partials/x"), context.path("a-1/partials/x"));
  EXPECT_EQ(files.target("sum.npy"), context.path(context.keys().results() + "/sum.npy"));
  ASSERT_TRUE(create_file_once(context.path("a-1/partials/x"), ""));
  files.drop({"a-1/partials/x"});
  EXPECT_TRUE(fs::exists(context.path("a-1/partials/x")));
}

TEST_F(ReduceFilesTest, AnArrayThatIsWrittenBecomesReadOnly) {
  ASSERT_TRUE(create_file_once(files.target("sub/sum.npy"), "12345678"));
  const auto file = files.publish("sub/sum.npy");
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(file->path, "sub/sum.npy");
  EXPECT_EQ(file->bytes, 8U);
  EXPECT_EQ(file->crc32c, crc32c("12345678"));
  EXPECT_EQ(fs::status(files.target("sub/sum.npy")).permissions() & fs::perms::owner_write,
            fs::perms::none);
}

TEST_F(ReduceFilesTest, OneThatIsNotThereIsTheStoresFailure) {
  const auto file = files.publish("sum.npy");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kStore);
  EXPECT_NE(file.error().text.find("sum.npy"), std::string::npos);
}

TEST_F(ReduceFilesTest, OfS3ThereAreCopiesInTheNodesScratchFolder) {
  context.store_place = "s3://lab/mnp";
  EXPECT_EQ(files.file("a-1/partials/x"), context.scratch.root / "reduced/a-1/partials/x");
  ASSERT_TRUE(create_file_once(files.file("a-1/partials/x"), ""));
  files.drop({"a-1/partials/x"});
  EXPECT_FALSE(fs::exists(files.file("a-1/partials/x")));
}

}  // namespace
}  // namespace mnp::node
