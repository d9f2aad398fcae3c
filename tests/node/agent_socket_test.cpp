#include "mnp/node/agent_socket.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mnp/core/files.hpp"

namespace mnp::node {
namespace {

class AgentSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = AgentSocket::listen(loop, path, [this](std::shared_ptr<LocalPeer> peer) {
      if (on_peer) on_peer(*peer);
      peers.push_back(std::move(peer));
    });
    ASSERT_TRUE(made) << made.error().text;
    socket = std::move(*made);
  }
  bool until(const std::function<bool()>& condition) {
    const TimePoint deadline = Clock::now() + std::chrono::seconds(30);
    while (!condition() && Clock::now() < deadline) loop.run_once(Clock::now() + Milliseconds(20));
    return condition();
  }
  Fd client() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static void say(const Fd& fd, uint8_t type, std::string_view payload) {
    std::string bytes;
    append_frame(bytes, type, payload);
    EXPECT_TRUE(write_all(fd.get(), bytes, Clock::now() + std::chrono::seconds(30)));
  }

  TemporaryFolder folder = *TemporaryFolder::create("agent-socket-test-");
  const std::string path = (folder.path() / "agent.sock").string();
  Loop loop;
  std::function<void(LocalPeer&)> on_peer;
  std::vector<std::shared_ptr<LocalPeer>> peers;
  std::unique_ptr<AgentSocket> socket;
};

TEST_F(AgentSocketTest, CarriesFramesBothWays) {
  std::vector<Frame> frames;
  on_peer = [&](LocalPeer& peer) {
    peer.on_frame = [&](Frame frame) { frames.push_back(std::move(frame)); };
  };
  const Fd fd = client();
  say(fd, 20, "one");
  say(fd, 21, std::string(3'000'000, 'x').substr(0, 100));
  ASSERT_TRUE(until([&] { return frames.size() == 2; }));
  EXPECT_EQ(frames[0].type, 20);
  EXPECT_EQ(frames[0].payload, "one");
  peers[0]->send(23, "back");
  char bytes[16];
  EXPECT_EQ(::recv(fd.get(), bytes, sizeof bytes, 0), 9);
  EXPECT_EQ(std::string(bytes + 5, 4), "back");
}

TEST_F(AgentSocketTest, CarriesMoreThanASocketHolds) {
  on_peer = [](LocalPeer& peer) {
    for (int i = 0; i < 8; ++i) peer.send(1, std::string(1'000'000, static_cast<char>('a' + i)));
  };
  const Fd fd = client();
  FrameReader reader;
  std::vector<Frame> frames;
  std::string block(1 << 16, '\0');
  ASSERT_TRUE(until([&] {
    const ssize_t n = ::recv(fd.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (n > 0) reader.feed({block.data(), static_cast<size_t>(n)});
    while (auto frame = reader.next().value()) frames.push_back(std::move(*frame));
    return frames.size() == 8;
  }));
  EXPECT_EQ(frames[7].payload, std::string(1'000'000, 'h'));
}

TEST_F(AgentSocketTest, AClientThatDoesNotReadIsCutOffAtTheLimit) {
  bool closed = false;
  on_peer = [&](LocalPeer& peer) { peer.on_closed = [&] { closed = true; }; };
  const Fd fd = client();
  ASSERT_TRUE(until([&] { return peers.size() == 1; }));
  const std::string block(size_t{8} << 20, 'x');
  for (int i = 0; i < 12; ++i) peers[0]->send(1, block);
  EXPECT_FALSE(closed);  // never from `send`
  EXPECT_TRUE(until([&] { return closed; }));
}

TEST_F(AgentSocketTest, AnEndIsHeardOnce) {
  int ends = 0;
  on_peer = [&](LocalPeer& peer) { peer.on_closed = [&] { ++ends; }; };
  Fd fd = client();
  ASSERT_TRUE(until([&] { return peers.size() == 1; }));
  fd.reset();
  ASSERT_TRUE(until([&] { return ends == 1; }));
  peers[0]->send(1, "to nobody");
  peers[0]->close();
  EXPECT_EQ(ends, 1);
}

TEST_F(AgentSocketTest, NonsenseClosesTheConnection) {
  bool closed = false;
  on_peer = [&](LocalPeer& peer) { peer.on_closed = [&] { closed = true; }; };
  const Fd fd = client();
  ASSERT_EQ(::send(fd.get(), "\xff\xff\xff\xff!", 5, 0), 5);
  ASSERT_TRUE(until([&] { return closed; }));
  char byte = 0;
  EXPECT_EQ(::recv(fd.get(), &byte, 1, 0), 0);
}

TEST_F(AgentSocketTest, CallbacksMayReplaceThemselvesAndLetGoOfThePeer) {
  std::string heard;
  on_peer = [&](LocalPeer& peer) {
    peer.on_frame = [&, text = std::string(100, 'f')](Frame first) {
      peers[0]->on_frame = [&](Frame second) {
        heard += second.payload;
        peers.clear();
      };
      heard += first.payload + text.substr(99);
    };
  };
  const Fd fd = client();
  say(fd, 1, "a");
  say(fd, 1, "b");
  say(fd, 1, "c");
  ASSERT_TRUE(until([&] { return heard.size() >= 3; }));
  EXPECT_EQ(heard, "afb");
}

TEST_F(AgentSocketTest, OnlyThisUserMayConnectAndTheFileGoesWithIt) {
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  socket.reset();
  EXPECT_NE(::stat(path.c_str(), &info), 0);
}

TEST_F(AgentSocketTest, APathThatIsTooLongIsAConfigError) {
  const auto made = AgentSocket::listen(loop, "/tmp/" + std::string(108, 'x'), {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kConfig);
  EXPECT_NE(made.error().text.find("MNP_SCRATCH_ROOT"), std::string::npos);
}

TEST_F(AgentSocketTest, WithoutDescriptorsItWaitsAndGoesOnLater) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan's own checks fail where no descriptor is left";
#endif
  const Fd fd = client();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  std::vector<Fd> filler;
  rlimit low = old;
  {
    const Fd probe(::dup(0));
    low.rlim_cur = static_cast<rlim_t>(probe.get());
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  size_t turns = 0;
  const TimePoint end = Clock::now() + Milliseconds(300);
  for (; Clock::now() < end; ++turns) loop.run_once(end);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(peers.empty());
  EXPECT_LT(turns, 50U);  // a loop that does not wait makes many thousands
  EXPECT_TRUE(until([&] { return peers.size() == 1; }));
}

}  // namespace
}  // namespace mnp::node
