#include "mnp/core/store.hpp"

#include <gtest/gtest.h>

#include "store_contract.hpp"

namespace mnp {
namespace {

Place folder_place() {
  auto folder = std::make_unique<TemporaryFolder>(std::move(*TemporaryFolder::create("store-")));
  auto store = std::make_unique<FolderStore>(folder->path());
  return {std::move(folder), std::move(store)};
}
Place memory_place() {
  return {nullptr, std::make_unique<MemoryStore>()};
}

INSTANTIATE_TEST_SUITE_P(Folder, StoreContract, testing::Values(folder_place));
INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(memory_place));

TEST(FolderStore, HidesHiddenFiles) {
  const Place place = folder_place();
  ASSERT_TRUE(place.store->put("a/b", "1"));
  ASSERT_TRUE(create_file_once(place.folder->path() / "a/.c.tmp-1-1", "torn"));
  EXPECT_EQ(*place.store->list("a"), std::vector<std::string>{"a/b"});
}

TEST(FolderStore, SaysThatItCannotCommit) {
  const Place place = folder_place();
  ASSERT_TRUE(create_file_once(place.folder->path() / "file", ""));
  EXPECT_EQ(place.store->put_new("file/a", "1").error().code, Code::kStore);
  EXPECT_EQ(place.store->put("file/a", "1").error().code, Code::kStore);
}

}  // namespace
}  // namespace mnp
