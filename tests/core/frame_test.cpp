#include "mnp/core/frame.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace mnp {
namespace {

TEST(Frame, LiesOnTheWireAsDocumented) {
  std::string bytes;
  append_frame(bytes, 7, "ab");
  EXPECT_EQ(bytes, std::string("\3\0\0\0\7ab", 7));
}

TEST(FrameReader, CutsAnyPartition) {
  std::string bytes;
  append_frame(bytes, 1, "");
  append_frame(bytes, 2, "hello");
  append_frame(bytes, 3, std::string(300, 'z'));
  for (size_t step = 1; step <= bytes.size(); ++step) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(std::string_view(bytes).substr(at, step));
      for (;;) {
        auto frame = reader.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        frames.push_back(std::move(**frame));
      }
    }
    ASSERT_EQ(frames.size(), 3u) << step;
    EXPECT_EQ(frames[0].payload, "");
    EXPECT_EQ(frames[1].type, 2);
    EXPECT_EQ(frames[1].payload, "hello");
    EXPECT_EQ(frames[2].payload.size(), 300u);
  }
}

TEST(FrameReader, RefusesEmptyAndOversizedFrames) {
  FrameReader empty;
  empty.feed(std::string(4, '\0'));
  EXPECT_EQ(empty.next().error().code, Code::kProtocol);
  FrameReader small(10);
  small.feed(std::string("\x0a\0\0\0\1", 5));
  EXPECT_TRUE(small.next());
  FrameReader big(10);
  big.feed(std::string("\x0b\0\0\0\1", 5));
  EXPECT_EQ(big.next().error().code, Code::kProtocol);
}

TEST(Codec, ReadsWhatItWrote) {
  const std::string bytes = Encoder()
                                .u8(255)
                                .u32(4000000000u)
                                .u64(std::numeric_limits<uint64_t>::max())
                                .i64(-5)
                                .f64(-0.1)
                                .text(std::string("a\0b", 3))
                                .take();
  Decoder in(bytes);
  EXPECT_EQ(in.u8(), 255);
  EXPECT_EQ(in.u32(), 4000000000u);
  EXPECT_EQ(in.u64(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(in.i64(), -5);
  EXPECT_EQ(in.f64(), -0.1);
  EXPECT_EQ(in.text(), std::string("a\0b", 3));
  EXPECT_TRUE(in.finish("x"));
}

TEST(Codec, NoticesEveryTruncation) {
  const std::string bytes = Encoder().u8(1).u32(2).u64(3).f64(4).text("five").take();
  for (size_t size = 0; size < bytes.size(); ++size) {
    Decoder in(std::string_view(bytes).substr(0, size));
    in.u8(), in.u32(), in.u64(), in.f64(), in.text();
    const auto whole = in.finish("a thing");
    ASSERT_FALSE(whole) << size;
    EXPECT_EQ(whole.error().code, Code::kProtocol);
    EXPECT_EQ(whole.error().text, "a thing: the message ends too early");
  }
}

TEST(Codec, NoticesBytesLeftOver) {
  Decoder in("xy");
  in.u8();
  EXPECT_EQ(in.finish("a thing").error().text, "a thing: bytes left over");
}

TEST(Codec, ACountNeverSaysMoreThanTheBytesHold) {
  const std::string fits = Encoder().u32(3).u64(1).u32(2).take();  // 12 bytes follow
  EXPECT_EQ(Decoder(fits).count(4), 3u);
  Decoder in(fits);
  EXPECT_EQ(in.count(5), 0u);
  EXPECT_FALSE(in.finish("x"));
  const std::string claims = Encoder().u32(0xffffffff).take();
  Decoder huge(claims);
  EXPECT_EQ(huge.count(1u << 31), 0u);
}

TEST(FrameDeathTest, BuildsNoneOverTheLimit) {
  std::string out;
  EXPECT_DEATH(append_frame(out, 1, std::string(kMaxFrame, 'x')), "over the limit");
}

}  // namespace
}  // namespace mnp
