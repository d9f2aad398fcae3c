#include "aws/file_body.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

class FileBodyTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(path) << "0123456789";
    fd = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(fd);
  }
  TemporaryFolder folder = *TemporaryFolder::create("mnp-file-body-");
  const fs::path path = folder.path() / "f";
  Fd fd;
  std::string block = std::string(3, ' ');
};

TEST_F(FileBodyTest, ASourceBeginsAgainWithItsChecksum) {
  FileSource source({fd, path, 2, 6});
  EXPECT_EQ(source.size(), 6U);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(source.read(0, block));
    EXPECT_EQ(block, "234");
    ASSERT_TRUE(source.read(3, block));
    EXPECT_EQ(block, "567");
    EXPECT_EQ(source.crc32c(), crc32c("234567"));
  }
  EXPECT_EQ(*checksum_of_part({fd, path, 2, 6}), crc32c("234567"));
}

TEST_F(FileBodyTest, AFileThatBecameShorterIsSaid) {
  FileSource source({fd, path, 2, 6});
  ASSERT_EQ(::ftruncate(fd.get(), 4), 0);
  EXPECT_FALSE(source.read(0, block));
  EXPECT_EQ(source.status().error().code, Code::kIo);
  EXPECT_NE(source.status().error().text.find("shorter"), std::string::npos);
  ASSERT_EQ(::ftruncate(fd.get(), 10), 0);
  EXPECT_FALSE(source.read(0, block)) << "what has failed stays so";
  ASSERT_EQ(::ftruncate(fd.get(), 4), 0);
  EXPECT_FALSE(checksum_of_part({fd, path, 2, 6}));
}

TEST_F(FileBodyTest, ASinkWritesIntoItsPartAndNoFurther) {
  FileSink sink({fd, path, 2, 4});
  sink.begin();
  EXPECT_TRUE(sink.take("efg"));
  sink.begin();  // another try
  EXPECT_TRUE(sink.take("ab"));
  EXPECT_TRUE(sink.take("cd"));
  EXPECT_EQ(sink.taken(), 4U);
  EXPECT_EQ(sink.crc32c(), crc32c("abcd"));
  EXPECT_TRUE(sink.status());
  EXPECT_FALSE(sink.take("e"));
  EXPECT_EQ(sink.status().error().code, Code::kProtocol);
  EXPECT_EQ(*read_file(path), "01abcd6789");
}

TEST_F(FileBodyTest, ASinkKeepsTheFilesError) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{16, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  FileSink sink({fd, path, 16, 4});
  sink.begin();
  const bool taken = sink.take("abcd");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(taken);
  EXPECT_EQ(sink.status().error().code, Code::kIo);
  EXPECT_NE(sink.status().error().text.find(path.string()), std::string::npos);
}

}  // namespace
}  // namespace mnp::aws
