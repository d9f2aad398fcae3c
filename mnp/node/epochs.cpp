#include "mnp/node/epochs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/node/programs.hpp"

namespace mnp::node {
namespace {

constexpr Milliseconds kEndLimit{10000};  // for all nodes to end an epoch
constexpr Milliseconds kStable{1800000};  // a world that lived so long was no failure
constexpr Milliseconds kGather{1000};     // from the first late node to a world with it
constexpr Milliseconds kPause{500};       // before another launch after a failed one
constexpr size_t kMaxWords = 4096;        // of mpirun's output kept for messages
constexpr uint64_t kMpirunId = 0;         // among the worker's daemons

/// What mpirun has printed, in one line: without rules, and without what its race with a quick
/// mnp-rsh for the process group makes it print in good launches, too.
std::string without_noise(const std::string& words) {
  std::vector<std::string> lines;
  for (const std::string& line : split(words, '\n')) {
    const std::string_view text = trim(line);
    const bool rule = text.find_first_not_of('-') == std::string_view::npos;
    if (!rule && text.find("Warning: setpgid(") == std::string_view::npos) lines.emplace_back(text);
  }
  return join(lines, " ");
}

}  // namespace

Epochs::Epochs(Loop& loop, Context& context, Roster& roster, Worker& worker, Callbacks callbacks,
               Milliseconds launch_limit)
    : loop_(loop),
      context_(context),
      roster_(roster),
      worker_(worker),
      callbacks_(std::move(callbacks)),
      launch_limit_(launch_limit) {}

Epochs::~Epochs() {
  cancel_timer();
  if (admit_timer_) loop_.cancel(*admit_timer_);
}

void Epochs::cancel_timer() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
}

bool Epochs::has(NodeIndex node) const {
  return std::find(members_.begin(), members_.end(), node) != members_.end();
}

// ---- one epoch

void Epochs::renew(const std::string& why, TimePoint not_before) {
  if (stopped_) return;
  not_before_ = std::max(not_before_, not_before);
  if (state_ == State::kNone) return begin_when_due();
  log::info("epoch {} ends: {}", number_.value(), why);
  end([this] { begin_when_due(); });
}

void Epochs::begin_when_due() {
  cancel_timer();
  if (not_before_ <= Clock::now()) return begin();
  timer_ = loop_.at(not_before_, [this] { begin_when_due(); });
}

void Epochs::begin() {
  cancel_timer();
  if (stopped_) return;
  not_before_ = {};
  number_ = EpochNumber(number_.value() + 1);
  members_ = roster_.ready();
  begun_at_ = Clock::now();
  words_.clear();
  state_ = State::kLaunching;
  const auto nodes = static_cast<uint32_t>(members_.size());
  const Milliseconds limit = launch_limit_ + nodes * kLaunchOfANode;
  for (uint32_t rank = 0; rank < nodes; ++rank) {
    const BeginEpoch begin{number_, nodes, rank, static_cast<uint32_t>(limit.count())};
    roster_.note_epoch(members_[rank], number_);
    if (members_[rank] == context_.me.index) worker_.set_epoch(begin);
    roster_.send(members_[rank], Control::kBeginEpoch, encode(begin));
  }
  callbacks_.begun(number_, members_);
  timer_ = loop_.after(limit, [this] { fail_launch("the ranks have not found together in time"); });
  const Status launched = launch();
  if (launched) return;
  if (launched.error().code != Code::kConfig) return fail_launch(launched.error().text);
  stopped_ = true;  // no other try finds what is not installed
  end([this, error = launched.error()] { callbacks_.gave_up(error); });
}

Status Epochs::launch() {
  MpiHosts hosts;
  for (const NodeIndex node : members_) hosts.addresses.push_back(roster_.at(node).machine.address);
  if (hosts.addresses.front().empty()) hosts.addresses.front() = "127.0.0.1";  // main alone
  MNP_TRY(hosts.network, network_of(hosts.addresses.front()));
  MNP_TRY(hosts.rsh, find_program_of_ours("mnp-rsh"));
  hosts.tcp_only = context_.spec().aws.count("efa") == 0;
  const fs::path folder = context_.scratch.root / fmt::format("epoch-{}", number_.value());
  if (!callbacks_.launch) return launch_ranks(hosts, folder);
  hosts.tcp_only = false;
  MNP_CHECK(callbacks_.launch(number_, hosts, folder));
  cancel_timer();
  state_ = State::kUp;
  callbacks_.up();
  return {};
}

Status Epochs::launch_ranks(const MpiHosts& hosts, const fs::path& folder) {
  MNP_CHECK(write_host_files(hosts, folder));
  MNP_TRY(const std::string rank, find_program_of_ours("mnp-rank"));
  MNP_TRY(const std::string mpirun, find_on_path("mpirun"));
  cpu::Start start;
  start.argv = mpirun_words(hosts, folder, 1);
  start.argv.front() = mpirun;
  start.argv.push_back(rank);
  start.base = std::make_shared<const std::vector<std::string>>(own_environment());
  start.extra = worker_.daemon_environment(number_);
  for (std::string& entry : mpi_environment(hosts, folder)) start.extra.push_back(std::move(entry));
  Daemons::Callbacks callbacks;
  callbacks.output = [this](std::string_view bytes) {
    loop_.post([this, text = std::string(bytes)] {
      words_ = (words_ + text)
                   .substr(words_.size() + text.size() > kMaxWords
                               ? words_.size() + text.size() - kMaxWords
                               : 0);
    });
    return true;
  };
  callbacks.ended = [this, epoch = number_](const cpu::Finished& finished) {
    loop_.post([this, epoch, how = model::to_text(finished.ending)] {
      if (epoch == number_) fail_launch("mpirun ended with " + how);
    });
  };
  return worker_.start_daemon(kMpirunId, number_, std::move(start), std::move(callbacks));
}

/// The world is not there, or no more, although all its nodes are.
void Epochs::fail_launch(const std::string& why) {
  if (state_ != State::kLaunching && state_ != State::kUp) return;
  if (Clock::now() - begun_at_ > kStable) failures_ = 0;
  ++failures_;
  const std::string said = without_noise(std::exchange(words_, ""));
  const std::string text = fmt::format("epoch {}: {}{}", number_.value(), why,
                                       said.empty() ? "" : "; mpirun said: " + said);
  says_more_ = true;
  log::warning("{}", text);
  if (failures_ < kMaxFailures)
    return end([this] {
      not_before_ = std::max(not_before_, Clock::now() + kPause);
      begin_when_due();
    });
  stopped_ = true;
  end([this, text] {
    callbacks_.gave_up(
        Error{Code::kMpi,
              fmt::format("{} launches in a row have failed; the last: {}", failures_, text)});
  });
}

void Epochs::rank_up(const model::RankHello& hello) {
  if (state_ != State::kLaunching || hello.epoch != number_) return;
  cancel_timer();
  state_ = State::kUp;
  log::info("epoch {}: {} ranks in {}", number_.value(), hello.size,
            format_duration(std::chrono::duration<double>(Clock::now() - begun_at_).count()));
  callbacks_.up();
}

void Epochs::rank_down() {
  fail_launch("main's rank has gone");
}

void Epochs::rank_gone(NodeIndex node, EpochNumber epoch) {
  if (callbacks_.launch || epoch != number_) return;  // a program may have no rank of ours
  fail_launch(fmt::format("the rank of node {} has gone, or has not come", node.value()));
}

void Epochs::lost(NodeIndex node, TimePoint not_before) {
  not_before_ = std::max(not_before_, not_before);
  if (state_ == State::kEnding) return node_ended(node, number_);
  if (state_ == State::kNone || !has(node)) return;
  failures_ = 0;
  renew(fmt::format("node {} is gone", node.value()), not_before);
}

void Epochs::admit() {
  if (stopped_ || admit_timer_) return;
  if (state_ == State::kNone) {  // main works alone so far, or an epoch is about to begin anyway
    if (number_ == EpochNumber(0)) renew("nodes have joined late", Clock::now() + kGather);
    return;
  }
  admit_timer_ = loop_.at(std::max(Clock::now(), begun_at_ + kAdmitInterval), [this] {
    admit_timer_.reset();
    const auto ready = roster_.ready();
    if (std::any_of(ready.begin(), ready.end(), [&](NodeIndex node) { return !has(node); }))
      renew("nodes have joined late");
  });
}

// ---- the end of one

void Epochs::end(std::function<void()> then) {
  const bool ending = state_ == State::kEnding;
  then_ = std::move(then);
  if (ending) return;
  cancel_timer();
  const bool was_up = state_ == State::kUp;
  state_ = State::kEnding;
  ending_on_.clear();
  for (const NodeIndex node : members_)
    if (node == context_.me.index || roster_.at(node).state == NodeState::kReady)
      ending_on_.insert(node);
  if (was_up) callbacks_.down();
  for (const NodeIndex node : members_)
    roster_.send(node, Control::kEndEpoch, encode_u32(number_.value()));
  timer_ = loop_.after(kEndLimit, [this] {
    timer_.reset();
    const EpochNumber epoch = number_;
    const auto silent = ending_on_;  // the last of them to go begins the next epoch
    for (const NodeIndex node : silent)
      if (node != context_.me.index) roster_.give_up(node, "it does not end its MPI processes");
    if (number_ == epoch) ended_everywhere();
  });
  worker_.end_epoch(number_, [this, epoch = number_] { node_ended(context_.me.index, epoch); });
}

void Epochs::node_ended(NodeIndex node, EpochNumber epoch) {
  if (state_ != State::kEnding || epoch != number_) return;
  ending_on_.erase(node);
  if (ending_on_.empty()) ended_everywhere();
}

void Epochs::ended_everywhere() {
  if (state_ != State::kEnding) return;
  cancel_timer();
  state_ = State::kNone;
  members_.clear();
  // The end of a rank is heard of before its words.
  if (const std::string said = without_noise(words_);
      std::exchange(says_more_, false) && !said.empty())
    log::warning("epoch {}: mpirun said: {}", number_.value(), said);
  (void)remove_tree(context_.scratch.root / fmt::format("epoch-{}", number_.value()));
  if (const auto then = std::exchange(then_, nullptr)) then();
}

void Epochs::stop(std::function<void()> done) {
  stopped_ = true;
  if (state_ == State::kNone) return done();
  end(std::move(done));
}

}  // namespace mnp::node
