#include "cpu/output_pump.hpp"

#include <unistd.h>

#include "mnp/core/fd.hpp"
#include "running.hpp"

namespace mnp::cpu {
namespace {

class Pumping : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(set_nonblocking(pipe_.read.get())); }
  void put(std::string_view text) {
    ASSERT_EQ(::write(pipe_.write.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  Pipe pipe_ = make_pipe().value();
  std::string buffer_ = std::string(8, '\0');
};

TEST_F(Pumping, ReadsWhatIsThereAndNoMore) {
  TextSink sink;
  OutputPump pump(pipe_.read.get(), sink, 100, buffer_);
  EXPECT_FALSE(pump.read_once());
  put("hello world");
  EXPECT_TRUE(pump.read_once());
  EXPECT_TRUE(pump.read_once());
  EXPECT_FALSE(pump.read_once());
  EXPECT_EQ(sink.text, "hello world");
  EXPECT_EQ(pump.handed_over(), 11u);
  EXPECT_FALSE(pump.ended());
}

TEST_F(Pumping, SeesTheEnd) {
  TextSink sink;
  OutputPump pump(pipe_.read.get(), sink, 100, buffer_);
  pipe_.write.reset();
  EXPECT_FALSE(pump.read_once());
  EXPECT_TRUE(pump.ended());
  EXPECT_EQ(pump.poll_fd(), -1);
}

TEST_F(Pumping, CutsAtTheLimitAndReadsOn) {
  TextSink sink;
  OutputPump pump(pipe_.read.get(), sink, 10, buffer_);
  put("0123456789ab");
  EXPECT_TRUE(pump.read_once());
  EXPECT_FALSE(pump.truncated());
  EXPECT_TRUE(pump.read_once());
  put("more");
  EXPECT_TRUE(pump.read_once());
  EXPECT_EQ(sink.text, "0123456789");
  EXPECT_TRUE(pump.truncated());
}

TEST_F(Pumping, TellsTheSinkOnceThatOutputIsCutAfterItsLastBytes) {
  class Cut : public TextSink {
   public:
    bool write(std::string_view bytes) override { return open && TextSink::write(bytes); }
    void cut() override { text += "|"; }
    bool open = true;
  } sink;
  OutputPump pump(pipe_.read.get(), sink, 10, buffer_);
  put("0123456789");
  EXPECT_TRUE(pump.read_once() && pump.read_once());
  EXPECT_EQ(sink.text, "0123456789") << "all of it is no cut";
  put("ab");
  EXPECT_TRUE(pump.read_once());
  put("cd");
  EXPECT_TRUE(pump.read_once());
  EXPECT_EQ(sink.text, "0123456789|");

  sink.text.clear();
  sink.open = false;
  OutputPump held(pipe_.read.get(), sink, 2, buffer_);
  put("abc");
  EXPECT_TRUE(held.read_once());
  EXPECT_EQ(sink.text, "");
  sink.open = true;
  held.offer();
  EXPECT_EQ(sink.text, "ab|");
}

TEST_F(Pumping, HoldsWhatTheSinkDoesNotTake) {
  class Gate : public TextSink {
   public:
    bool write(std::string_view bytes) override { return open && TextSink::write(bytes); }
    bool open = false;
  } sink;
  OutputPump pump(pipe_.read.get(), sink, 100, buffer_);
  put("one");
  EXPECT_TRUE(pump.read_once());
  put("two");
  EXPECT_FALSE(pump.read_once());
  EXPECT_EQ(pump.poll_fd(), -1);
  ASSERT_TRUE(pump.offer_at().has_value());
  sink.open = true;
  pump.offer();
  EXPECT_FALSE(pump.offer_at().has_value());
  EXPECT_TRUE(pump.read_once());
  EXPECT_EQ(sink.text, "onetwo");
}

TEST_F(Pumping, DroppingSaysSo) {
  class Closed : public OutputSink {
    bool write(std::string_view) override { return false; }
  } sink;
  OutputPump pump(pipe_.read.get(), sink, 100, buffer_);
  put("one");
  pump.read_once();
  pump.drop();
  EXPECT_TRUE(pump.truncated());
  EXPECT_EQ(pump.handed_over(), 0u);
  EXPECT_FALSE(pump.offer_at().has_value());
}

}  // namespace
}  // namespace mnp::cpu
