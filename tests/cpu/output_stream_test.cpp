#include "cpu/output_stream.hpp"

#include <map>
#include <thread>

#include <gtest/gtest.h>

namespace mnp::cpu {
namespace {

std::string all_of(Store& store, std::optional<CommandIndex> command, uint32_t first = 1) {
  std::string text;
  const auto next = read_output(store, "output", command, first, [&](const OutputChunk& chunk) {
    text += "[" + std::to_string(chunk.command.value()) + "." + std::to_string(chunk.start) + " " +
            std::string(chunk.bytes) + "]";
  });
  EXPECT_TRUE(next) << next.error().text;
  return text;
}

TEST(OutputStream, GivesWhatGatheredAsNumberedSegments) {
  OutputStream stream;
  EXPECT_FALSE(stream.take());
  EXPECT_TRUE(stream.append(CommandIndex(7), 1, "ab"));
  const Segment first = stream.take().value();
  EXPECT_EQ(first.number, 1u);
  EXPECT_EQ(first.log, "ab");
  EXPECT_EQ(first.idx.substr(0, 8), "0 2 7 1 ");
  EXPECT_EQ(first.idx.back(), '\n');
  EXPECT_FALSE(stream.take());
  EXPECT_TRUE(stream.append(CommandIndex(7), 1, "c"));
  EXPECT_EQ(stream.take()->number, 2u);
}

TEST(OutputStream, MergesAdjacentChunksOfOneStart) {
  OutputStream stream;
  for (const char* text : {"a", "b", "c"}) stream.append(CommandIndex(1), 1, text);
  stream.append(CommandIndex(1), 2, "d");
  stream.append(CommandIndex(2), 2, "e");
  const Segment segment = stream.take().value();
  MemoryStore store;
  ASSERT_TRUE(write_segment(store, "output", segment));
  EXPECT_EQ(all_of(store, std::nullopt), "[1.1 abc][1.2 d][2.2 e]");
}

TEST(OutputStream, SaysWhereOutputWasCut) {
  OutputStream stream;
  CommandOutput one(stream, CommandIndex(1), 2), silent(stream, CommandIndex(3), 1);
  EXPECT_TRUE(one.write("abc"));
  const Segment first = stream.take().value();
  one.cut();
  silent.cut();
  EXPECT_EQ(one.last_segment(), 2u) << "kept only with the segment that says so";
  EXPECT_EQ(one.range().segment, 1u);
  EXPECT_TRUE(stream.append(CommandIndex(1), 3, "d"));
  MemoryStore store;
  ASSERT_TRUE(write_segment(store, "output", first));
  ASSERT_TRUE(write_segment(store, "output", stream.take().value()));
  EXPECT_FALSE(stream.take());
  std::string text;
  ASSERT_TRUE(read_output(store, "output", std::nullopt, 1, [&](const OutputChunk& chunk) {
    text += std::to_string(chunk.command.value()) + "." + std::to_string(chunk.start) + " ";
    text += chunk.cut_at ? "cut at " + std::to_string(*chunk.cut_at) : std::string(chunk.bytes);
    text += "; ";
  }));
  EXPECT_EQ(text, "1.2 abc; 1.2 cut at 3; 3.1 cut at 0; 1.3 d; ");
}

TEST(OutputStream, RefusesMoreThanItsLimitUntilTaken) {
  OutputStream stream(10);
  EXPECT_TRUE(stream.append(CommandIndex(1), 1, "12345678"));
  EXPECT_FALSE(stream.append(CommandIndex(2), 1, "abc"));
  EXPECT_EQ(stream.pending_bytes(), 8u);
  EXPECT_EQ(stream.take()->log, "12345678");
  EXPECT_TRUE(stream.append(CommandIndex(2), 1, std::string(50, 'x')));
  EXPECT_FALSE(stream.append(CommandIndex(2), 1, "y"));
}

TEST(OutputStream, ACommandsOutputSaysWhereItLies) {
  OutputStream stream;
  CommandOutput one(stream, CommandIndex(1), 1), two(stream, CommandIndex(2), 1);
  CommandOutput silent(stream, CommandIndex(3), 1);
  EXPECT_TRUE(one.write("aaa"));
  EXPECT_TRUE(two.write("bb"));
  stream.take();
  EXPECT_TRUE(two.write("b"));
  EXPECT_EQ(one.range(), (model::OutputRange{1, 0, 3, false}));
  EXPECT_EQ(two.range(), (model::OutputRange{1, 3, 3, false}));
  EXPECT_EQ(one.last_segment(), 1u);
  EXPECT_EQ(two.last_segment(), 2u);
  EXPECT_EQ(silent.range(), model::OutputRange{});
  EXPECT_EQ(silent.last_segment(), 0u);
}

TEST(OutputStream, ReadersFilterAndFollow) {
  OutputStream stream;
  MemoryStore store;
  stream.append(CommandIndex(1), 1, "a\n");
  stream.append(CommandIndex(2), 1, "b\n");
  ASSERT_TRUE(write_segment(store, "output", stream.take().value()));
  stream.append(CommandIndex(1), 1, "c\n");
  ASSERT_TRUE(write_segment(store, "output", stream.take().value()));
  EXPECT_EQ(all_of(store, CommandIndex(1)), "[1.1 a\n][1.1 c\n]");
  EXPECT_EQ(all_of(store, std::nullopt, 2), "[1.1 c\n]");
  EXPECT_EQ(read_output(store, "output", std::nullopt, 1, [](const auto&) {}).value(), 3u);
  EXPECT_EQ(read_output(store, "nothing", std::nullopt, 1, [](const auto&) {}).value(), 1u);
}

TEST(OutputStream, WritingASegmentAgainIsSafe) {
  MemoryStore store;
  const Segment segment{1, "ab", "0 2 1 1 5.000000\n"};
  EXPECT_TRUE(write_segment(store, "output", segment));
  EXPECT_TRUE(write_segment(store, "output", segment));
  const auto other = write_segment(store, "output", {1, "xy", segment.idx});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kExists);
}

TEST(OutputStream, ALogWithoutItsIndexIsNotThereYet) {
  MemoryStore store;
  ASSERT_TRUE(store.put_new("output/00000001.log", "ab"));
  EXPECT_EQ(all_of(store, std::nullopt), "");
}

TEST(OutputStream, NamesALineThatMakesNoSense) {
  for (const char* line : {"x", "0 3 1 1 5.0", "2 1 1 1 5.0", "0 1 1 1", "0 1 1 1 5.0 6",
                           "18446744073709551615 1 1 1 5.0", "-1 1 1 1 5.0", ""}) {
    MemoryStore store;
    ASSERT_TRUE(store.put_new("output/00000001.log", "ab"));
    ASSERT_TRUE(store.put_new("output/00000001.idx", std::string("0 2 1 1 5.0\n") + line + "\n"));
    const auto read = read_output(store, "output", std::nullopt, 1, [](const auto&) {});
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().code, Code::kProtocol);
    EXPECT_NE(read.error().text.find("output/00000001.idx:2:"), std::string::npos);
  }
}

TEST(OutputStream, KeepsEveryByteOfManyThreads) {
  OutputStream stream(1000);
  MemoryStore store;
  std::vector<std::thread> writers;
  for (uint32_t t = 0; t < 8; ++t)
    writers.emplace_back([&stream, t] {
      for (int i = 0; i < 500; ++i)
        while (!stream.append(CommandIndex(t), 1, std::string(1 + i % 50, char('a' + i % 26))))
          std::this_thread::yield();
    });
  std::thread taker([&] {
    uint64_t taken = 0;
    uint64_t expected = 0;
    for (int i = 0; i < 500; ++i) expected += 8 * (1 + i % 50);
    while (taken < expected) {
      auto segment = stream.take();
      if (!segment) continue;
      taken += segment->log.size();
      ASSERT_TRUE(write_segment(store, "output", *segment));
    }
  });
  for (std::thread& writer : writers) writer.join();
  taker.join();
  std::map<uint32_t, std::string> text;
  ASSERT_TRUE(read_output(store, "output", std::nullopt, 1, [&](const OutputChunk& chunk) {
    text[chunk.command.value()] += chunk.bytes;
  }));
  std::string expected;
  for (int i = 0; i < 500; ++i) expected += std::string(1 + i % 50, char('a' + i % 26));
  for (uint32_t t = 0; t < 8; ++t) EXPECT_EQ(text[t], expected);
}

}  // namespace
}  // namespace mnp::cpu
