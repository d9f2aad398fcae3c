#include "mnp/node/rsh_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "mnp/core/fd.hpp"
#include "mnp/core/frame.hpp"
#include "mnp/node/spawn.hpp"

namespace mnp::node {
namespace {

constexpr std::chrono::seconds kSendLimit{30};  // for the agent to take the request
constexpr size_t kReadBlock = size_t{64} << 10;

Result<Fd> connect_agent(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::kConfig, path + ": too long for a Unix socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("the node's agent does not answer: " + path);
  return fd;
}

/// What nobody reads any more is dropped: the daemon goes on.
void copy_to(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0)
      bytes.remove_prefix(static_cast<size_t>(n));
    else if (n < 0 && errno == EAGAIN)
      ::usleep(1000);
    else if (n < 0 && errno != EINTR)
      return;
  }
}

/// The exit status once the daemon has ended.
Result<std::optional<int>> take(const Frame& frame) {
  switch (static_cast<SpawnFrame>(frame.type)) {
    case SpawnFrame::kStderr:
      copy_to(STDERR_FILENO, frame.payload);
      return std::nullopt;
    case SpawnFrame::kRefused:
      return fail(Code::kDenied, frame.payload);
    case SpawnFrame::kExited: {
      MNP_TRY(const SpawnExit exit, decode_spawn_exit(frame.payload));
      return exit.status();
    }
    default:
      return fail(Code::kProtocol, "the agent sent an unknown frame");
  }
}

}  // namespace

Result<int> run_remote(const std::string& agent_socket, const SpawnRequest& request) {
  MNP_TRY(const Fd agent, connect_agent(agent_socket));
  std::string bytes;
  append_frame(bytes, static_cast<uint8_t>(SpawnFrame::kSpawn), encode(request));
  MNP_CHECK(write_all(agent.get(), bytes, Clock::now() + kSendLimit));
  FrameReader reader;
  std::array<char, kReadBlock> block;
  while (true) {
    // As long as the daemon runs: the end of the agent or of this process ends it.
    const ssize_t n = ::read(agent.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Code::kClosed, "the node's agent went away");
    reader.feed({block.data(), static_cast<size_t>(n)});
    while (true) {
      MNP_TRY(const std::optional<Frame> frame, reader.next());
      if (!frame) break;
      MNP_TRY(const std::optional<int> status, take(*frame));
      if (status) return *status;
    }
  }
}

}  // namespace mnp::node
