#include "mnp/node/channel.hpp"

#include "channel_fixture.hpp"

namespace mnp::node {
namespace {

struct Received {
  std::vector<Frame> frames;
  std::optional<Error> end;

  void listen(Channel& channel) {
    channel.start([this](Frame frame) { frames.push_back(std::move(frame)); },
                  [this](Error why) { end = std::move(why); });
  }
};

class ChannelPair : public ChannelTest {
 protected:
  void SetUp() override {
    serve();
    child = connect();
    ASSERT_TRUE(child);
    main = std::move(inside.back());
  }
  std::unique_ptr<Channel> child, main;
  Received at_child, at_main;
};

TEST_F(ChannelPair, CarriesFramesBothWays) {
  at_main.listen(*main);
  at_child.listen(*child);
  child->send(4, "beat");
  main->send(5, "answer");
  main->send(6, "");
  ASSERT_TRUE(until([&] { return at_main.frames.size() == 1 && at_child.frames.size() == 2; }));
  EXPECT_EQ(at_main.frames[0].type, 4);
  EXPECT_EQ(at_main.frames[0].payload, "beat");
  EXPECT_EQ(at_child.frames[0].payload, "answer");
  EXPECT_EQ(at_child.frames[1].type, 6);
  EXPECT_EQ(at_child.frames[1].payload, "");
}

TEST_F(ChannelPair, FramesSentBeforeTheStartArrive) {
  child->send(1, "early");
  (void)until([n = 0]() mutable { return ++n > 3; });
  at_main.listen(*main);
  at_child.listen(*child);
  ASSERT_TRUE(until([&] { return at_main.frames.size() == 1; }));
  EXPECT_EQ(at_main.frames[0].payload, "early");
}

TEST_F(ChannelPair, CarriesManyMegabytesInOrder) {
  at_main.listen(*main);
  at_child.listen(*child);
  for (char c = 'a'; c < 'a' + 20; ++c) child->send(1, std::string(1'500'000, c));
  ASSERT_TRUE(until([&] { return at_main.frames.size() == 20; }));
  for (size_t i = 0; i < 20; ++i)
    EXPECT_EQ(at_main.frames[i].payload, std::string(1'500'000, static_cast<char>('a' + i)));
}

TEST_F(ChannelPair, AReaderThatDoesNotReadEndsTheChannelAtTheLimit) {
  at_child.listen(*child);
  const std::string block(size_t{8} << 20, 'x');
  bool said_at_once = false;
  for (int i = 0; i < 12; ++i) {
    child->send(1, block);
    said_at_once = said_at_once || at_child.end;
    ASSERT_LE(child->queued(), Channel::kMaxQueued);
  }
  EXPECT_FALSE(said_at_once);
  ASSERT_TRUE(until([&] { return at_child.end.has_value(); }));
  EXPECT_EQ(at_child.end->code, Code::kIo);
  EXPECT_NE(at_child.end->text.find("does not read"), std::string::npos) << at_child.end->text;
  EXPECT_FALSE(child->open());
}

TEST_F(ChannelPair, TheOtherSideHearsAClose) {
  at_main.listen(*main);
  at_child.listen(*child);
  child->close();
  ASSERT_TRUE(until([&] { return at_main.end.has_value(); }));
  EXPECT_EQ(at_main.end->code, Code::kClosed);
  EXPECT_EQ(at_main.end->text.rfind("127.0.0.1:", 0), 0U) << at_main.end->text;
  EXPECT_FALSE(at_child.end);
}

TEST_F(ChannelPair, AnEndBeforeTheStartIsHeardAfterIt) {
  child.reset();
  (void)until([n = 0]() mutable { return ++n > 3; });
  at_main.listen(*main);
  ASSERT_TRUE(until([&] { return at_main.end.has_value(); }));
  EXPECT_EQ(at_main.end->code, Code::kClosed);
}

TEST_F(ChannelPair, FinishDeliversEverythingFirst) {
  at_child.listen(*child);
  child->send(10, std::string(5'000'000, 'y'));
  child->send(11, "the end");
  child->finish(Milliseconds(15000));
  main->send(1, "nobody wants this");
  at_main.listen(*main);
  ASSERT_TRUE(until([&] { return at_main.end.has_value(); }));
  EXPECT_EQ(at_main.end->code, Code::kClosed);
  ASSERT_EQ(at_main.frames.size(), 2U);
  EXPECT_EQ(at_main.frames[1].payload, "the end");
  main.reset();
  ASSERT_TRUE(until([&] { return at_child.end.has_value(); }));
  EXPECT_EQ(at_child.end->code, Code::kClosed);
  EXPECT_TRUE(at_child.frames.empty());
}

TEST_F(ChannelPair, FinishDoesNotWaitForAPeerForEver) {
  at_child.listen(*child);
  child->finish(Milliseconds(100));
  ASSERT_TRUE(until([&] { return at_child.end.has_value(); }));
  EXPECT_EQ(at_child.end->code, Code::kTimeout);
}

TEST_F(ChannelPair, CallbacksMayDestroyTheChannel) {
  int frames = 0;
  main->start(
      [&](Frame) {
        ++frames;
        main.reset();
      },
      [](Error) { FAIL() << "its owner destroyed it"; });
  child->start([](Frame) {}, [&](Error) { child.reset(); });
  child->send(1, "one");
  child->send(1, "two");
  ASSERT_TRUE(until([&] { return !main && !child; }));
  EXPECT_EQ(frames, 1);
}

}  // namespace
}  // namespace mnp::node
