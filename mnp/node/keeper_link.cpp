#include "mnp/node/keeper_link.hpp"

#include <sys/socket.h>

#include "mnp/core/frame.hpp"

namespace mnp::node {
namespace {

enum class Word : uint8_t { kDeadline = 1, kKey = 2, kFinished = 3 };
constexpr size_t kMaxPacket = 256;  // bytes; a key is 32

void send_packet(const Fd& fd, Encoder& packet) {
  const std::string bytes = packet.take();
  // There are too few words to fill it, also while the keeper is frozen.
  (void)::send(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

void KeeperLink::set_deadline(LeaseTime deadline) {
  if (page_.set_deadline(deadline))
    send_packet(fd_, Encoder().u8(static_cast<uint8_t>(Word::kDeadline)));
}

void KeeperLink::keep_key(std::string_view key) {
  send_packet(fd_, Encoder().u8(static_cast<uint8_t>(Word::kKey)).text(key));
}

void KeeperLink::finished(int status) {
  send_packet(
      fd_, Encoder().u8(static_cast<uint8_t>(Word::kFinished)).u32(static_cast<uint32_t>(status)));
}

std::optional<std::string> KeeperLink::kept_key() {
  std::string key(kMaxPacket, '\0');
  const ssize_t n = ::recv(fd_.get(), key.data(), key.size(), MSG_DONTWAIT);
  if (n <= 0) return std::nullopt;
  key.resize(static_cast<size_t>(n));
  return key;
}

void hand_on_key(const Fd& keeper, std::string_view key) {
  (void)::send(keeper.get(), key.data(), key.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

Result<LinkPair> make_keeper_link() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("socketpair");
  Fd keeper(ends[0]), agent(ends[1]), memory;
  MNP_TRY(LeasePage page, LeasePage::create(memory));
  return LinkPair{std::move(keeper), std::move(agent), std::move(page), std::move(memory)};
}

std::optional<FromAgent> receive_from_agent(const Fd& fd) {
  if (!fd) return std::nullopt;
  char buffer[kMaxPacket];
  const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (n <= 0) return std::nullopt;
  Decoder in({buffer, static_cast<size_t>(n)});
  FromAgent heard;
  switch (static_cast<Word>(in.u8())) {
    case Word::kDeadline:
      break;
    case Word::kKey:
      heard.key = in.text();
      break;
    case Word::kFinished:
      heard.finished = static_cast<int>(in.u32());
      break;
  }
  if (!in.finish("keeper's link")) return FromAgent{};
  return heard;
}

}  // namespace mnp::node
