#include "rank_world.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

namespace mnp::comms {
namespace {

using model::RankFrame;

Fd listen_at(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  MNP_ASSERT(path.size() < sizeof address.sun_path, "the socket's path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  MNP_ASSERT(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  MNP_ASSERT(::listen(fd.get(), 1) == 0, "listen");
  return fd;
}

std::vector<pid_t> own_children() {
  std::vector<pid_t> pids;
  std::ifstream in("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}

std::string chosen(const std::vector<std::string>& own, size_t rank, std::string otherwise) {
  return rank < own.size() && !own[rank].empty() ? own[rank] : std::move(otherwise);
}

void exec_mpirun(const std::vector<std::string>& words, const fs::path& folder) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::setpgid(0, 0);
  for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                           "PRTE_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM"})
    ::setenv(name, "1", 1);
  ::setenv("HWLOC_COMPONENTS", "-gl", 1);  // no X displays are asked for
  ::setenv("OMPI_MCA_pml", "ob1", 1);
  ::setenv("OMPI_MCA_btl", "self,tcp", 1);
  ::setenv("OMPI_MCA_btl_tcp_if_include", "127.0.0.0/8", 1);
  ::setenv("TMPDIR", folder.c_str(), 1);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

std::string preloaded(const std::string& library, const fs::path& gate) {
  if (library.empty()) return "";
  return "export ASAN_OPTIONS=verify_asan_link_order=0\nexport HELD_SYNC='" + gate.string() +
         "'\nexport LD_PRELOAD='" + library + "'\n";
}

}  // namespace

RankWorld::RankWorld(size_t ranks, Options options)
    : folder_(*TemporaryFolder::create("mnpr")), agents_(ranks) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  start(options);
}

void RankWorld::start(const Options& options) {
  for (size_t rank = 0; rank < size(); ++rank) {
    const std::string socket = (folder() / ("s" + std::to_string(rank))).string();
    agents_[rank].listener = listen_at(socket);
    MNP_ASSERT(make_folders(files(rank)).has_value(), "make a folder");
    std::ofstream(folder() / ("rank" + std::to_string(rank)))
        << "export MNP_EPOCH=5\n"
        << "export MNP_AGENT_SOCKET='" << chosen(options.sockets, rank, socket) << "'\n"
        << "export MNP_NODE=" << chosen(options.nodes, rank, std::to_string(node(rank).value()))
        << "\nexport MNP_RANK_FILES='" << chosen(options.files, rank, files(rank).string()) << "'\n"
        << preloaded(options.preload, held_sync()) << "exec '" << MNP_RANK << "'\n";
  }
  // One program for all: Open MPI 5.0.7's mpirun crashes on several separated by colons.
  const std::vector<std::string> words{"mpirun",
                                       "--oversubscribe",
                                       "-np",
                                       std::to_string(size()),
                                       "sh",
                                       "-c",
                                       "exec sh \"$0$OMPI_COMM_WORLD_RANK\"",
                                       (folder() / "rank").string()};
  mpirun_ = ::fork();
  MNP_ASSERT(mpirun_ >= 0, "fork");
  if (mpirun_ == 0) exec_mpirun(words, folder());
}

RankWorld::~RankWorld() {
  if (mpirun_ > 0) ::kill(mpirun_, SIGKILL);
  // What mpirun leaves becomes ours, as this process is a subreaper: until nothing is left.
  for (;;) {
    for (const pid_t pid : own_children()) ::kill(pid, SIGKILL);
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
  }
}

bool RankWorld::up() {
  return until([&] {
    for (const Agent& agent : agents_)
      if (!agent.hello) return false;
    return true;
  });
}

void RankWorld::send(size_t rank, RankFrame type, std::string_view payload) {
  append_frame(agents_[rank].out, static_cast<uint8_t>(type), payload);
}

bool RankWorld::launcher_ended() const {
  siginfo_t info{};
  return mpirun_ > 0 &&
         ::waitid(P_PID, static_cast<id_t>(mpirun_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == mpirun_;
}

bool RankWorld::until(const std::function<bool()>& done) {
  TimePoint deadline = Clock::now() + kTestDeadline;
  for (bool ended = false; !done();) {
    if (Clock::now() > deadline) return false;
    if (!ended && launcher_ended()) {  // nothing comes but what is in the sockets
      ended = true;
      deadline = std::min(deadline, Clock::now() + std::chrono::seconds(5));
    }
    turn(Milliseconds(100));
  }
  return true;
}

void RankWorld::run_for(Milliseconds time) {
  const TimePoint end = Clock::now() + time;
  while (Clock::now() < end) turn(std::chrono::ceil<Milliseconds>(end - Clock::now()));
}

void RankWorld::turn(Milliseconds wait) {
  std::vector<pollfd> fds;
  for (const Agent& agent : agents_) {
    const int fd = agent.fd ? agent.fd.get() : agent.hello ? -1 : agent.listener.get();
    fds.push_back(
        {fd, static_cast<short>((agent.paused ? 0 : POLLIN) | (agent.out.empty() ? 0 : POLLOUT)),
         0});
  }
  ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
  for (size_t i = 0; i < fds.size(); ++i) {
    Agent& agent = agents_[i];
    if (fds[i].revents == 0) continue;
    if (!agent.fd) {
      agent.fd = Fd(::accept4(agent.listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
      continue;
    }
    if ((fds[i].revents & POLLOUT) != 0) {
      const ssize_t n = ::send(agent.fd.get(), agent.out.data() + agent.sent,
                               agent.out.size() - agent.sent, MSG_NOSIGNAL);
      if (n > 0) agent.sent += static_cast<size_t>(n);
      if (agent.sent == agent.out.size()) {
        agent.out.clear();
        agent.sent = 0;
      }
    }
    if ((fds[i].revents & (POLLIN | POLLHUP)) != 0) read_from(agent);
  }
}

void RankWorld::read_from(Agent& agent) {
  static char block[1 << 18];
  const ssize_t n = ::read(agent.fd.get(), block, sizeof block);
  if (n <= 0) {
    agent.fd.reset();
    return;
  }
  agent.reader.feed({block, static_cast<size_t>(n)});
  for (;;) {
    auto frame = agent.reader.next();
    ASSERT_TRUE(frame) << frame.error().text;
    if (!*frame) return;
    take(agent, std::move(**frame));
  }
}

void RankWorld::take(Agent& agent, Frame frame) {
  if (frame.type == static_cast<uint8_t>(RankFrame::kHello)) {
    ucred peer{};
    socklen_t length = sizeof peer;
    ::getsockopt(agent.fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length);
    agent.pid = peer.pid;
    agent.hello = *model::decode_rank_hello(frame.payload);
  } else if (frame.type == static_cast<uint8_t>(RankFrame::kRing)) {
    const NodeIndex to(Decoder(frame.payload).u32());
    for (size_t rank = 0; rank < size(); ++rank) {
      if (node(rank) != to) continue;
      agents_[rank].rings += 1;
      if (!deaf) send(rank, RankFrame::kBell, "");
    }
  } else if (frame.type == static_cast<uint8_t>(RankFrame::kPulse)) {
    agent.pulses += 1;
  } else {
    agent.frames.push_back(std::move(frame));
  }
}

std::optional<int> RankWorld::exit_status() {
  int status = 0;
  if (!until([&] { return ::waitpid(mpirun_, &status, WNOHANG) != 0; })) return std::nullopt;
  mpirun_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace mnp::comms
