// The end of a stage, the same from every phase: commands ended, what ran kept, everybody told.
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include <fmt/format.h>

#include "mnp/core/fd.hpp"
#include "mnp/core/log.hpp"
#include "mnp/model/published.hpp"
#include "mnp/node/main_node.hpp"

namespace mnp::node {
namespace {

// With kGrace and kFlush below 25 s: Batch kills after 30.
constexpr Milliseconds kDrainLimit{17000};     // for all nodes
constexpr Milliseconds kLook{20};              // whether a program that was told to end has
constexpr Milliseconds kLastWords{4000};       // for the journal and the files
constexpr Milliseconds kGoodbyes{2000};        // for children to go
constexpr Milliseconds kStorePatience{35000};  // for the journal and the files of a stage that was
                                               // not stopped, with a store that fails
constexpr Milliseconds kStoreHangs{600000};    // and with one that does not answer
constexpr Milliseconds kStoreRetry{500};
constexpr Milliseconds kWriteLimit{300000};  // for some rows, to the node's own disk

}  // namespace

void MainNode::stop(const std::string& why) {
  if (phase_ == Phase::kEnding) return;
  end(fail(Code::kStopped, why));
}

/// All commands have run.
bool MainNode::is_complete() const {
  return outcome_ || outcome_.error().code == Code::kCommandsFailed;
}

void MainNode::end(Status outcome) {
  if (phase_ == Phase::kEnding) return;
  phase_ = Phase::kEnding;
  outcome_ = std::move(outcome);
  status_ = outcome_ ? 0 : code_info(outcome_.error().code).exit_status;
  if (!outcome_) log::error("{}", outcome_.error().text);
  roster_->expect_goodbyes();
  epochs_->begin_no_more();
  if (commands_) commands_->stop_dealing();
  // Where a lost start's success came late, its next start may be at work still.
  const bool publishes = starts_lost_ && commands_ && commands_->at_work();
  const bool idle = is_complete() && !publishes;
  if (idle && !store_lost_) return write_last_words();
  drains_ = true;
  write_progress();
  timers_.push_back(loop_.after(kDrainLimit, [this] { write_last_words(); }));
  if (program_ && program_->running() && !store_lost_) worker_->stop_program(kGrace);
  drain_once_program_has_ended();
}

/// Its ranks go with their mpirun; an epoch's end would leave them no time.
void MainNode::drain_once_program_has_ended() {
  if (program_ && program_->running() && !store_lost_) {
    timers_.push_back(loop_.after(kLook, [this] { drain_once_program_has_ended(); }));
    return;
  }
  roster_->send_all(Control::kDrain);
  epochs_->stop([] {});
  worker_->drain(store_lost_ ? Milliseconds(0) : kGrace, kFlush, [this](const Drained& drained) {
    if (!drained.stored) log::error("{}", drained.stored.error().text);
    main_drained_ = true;
    drained_if_all();
  });
}

/// Children say goodbye once all of theirs is kept; main's own must be as well.
void MainNode::drained_if_all() {
  if (!drains_ || !main_drained_ || last_words_) return;
  const bool children_left = roster_->ready().size() <= 1;
  const bool all_kept = !commands_ || commands_->counts().ran == 0 || store_lost_;
  if (children_left && all_kept) write_last_words();
}

void MainNode::write_last_words() {
  if (std::exchange(last_words_, true)) return;
  const double now = wall_seconds();
  remove_key_if(true);
  if (store_lost_) return say_the_end();
  timers_.push_back(loop_.after(is_complete() ? kStoreHangs : kLastWords + kGoodbyes, [this] {
    unwritten(Error{Code::kStore, "the store does not answer"});
    say_the_end();
  }));
  const double silent = roster_->may_run_for(drains_).count();
  journal_->append(model::Ended{status_, outcome_ ? "" : outcome_.error().text, silent});
  write_nodes();
  const uint64_t kept = commands_ ? commands_->counts().done() : outcome_ ? 1 : 0;
  std::shared_ptr<ResultsPublisher> tidies;  // who has stopped goes on later
  if (starts_lost_ && is_complete()) tidies = worker_->make_publisher();
  const TimePoint until = Clock::now() + (is_complete() ? kStorePatience : kLastWords);
  errands_->add("end", [this, now, kept, tidies = std::move(tidies), until] {
    loop_.post([this, now, written = put_last_words(kept, tidies.get(), until)] {
      if (said_end_) return;
      if (!written) unwritten(written.error());
      ended_ = now;
      words_put_ = written.has_value();
      write_progress();
      say_the_end();
    });
  });
}

/// Journal first: a main that cannot seal its own has nothing to say any more. Waits for a store
/// that fails, until then.
Status MainNode::put_last_words(uint64_t kept, ResultsPublisher* tidies, TimePoint until) {
  MNP_CHECK(journal_->flush(until));
  for (;;) {
    Status written = tidies != nullptr ? remove_unkept(*tidies) : Status();
    if (written) written = write_outcomes(kept);
    if (written || Clock::now() > until) return written;
    std::this_thread::sleep_for(kStoreRetry);
  }
}

/// A start whose node was lost may have published under names that its next one has not.
Status MainNode::remove_unkept(ResultsPublisher& publisher) {
  MNP_TRY(const auto paths, model::find_unkept_files(*context_.store, context_.keys()));
  if (paths.empty()) return {};
  log::info("{} files of starts that were not kept are removed from results/, {} among them",
            paths.size(), paths.front());
  return publisher.remove(paths);
}

/// What main knows to be kept must be found by those who read it.
Status MainNode::write_outcomes(uint64_t kept) {
  const model::CommandList& list = commands_ ? commands_->list() : *program_list_;
  MNP_TRY(const auto outcomes, model::read_outcomes(*context_.store, context_.keys(), list));
  if (const uint64_t found = outcomes.done(); found < kept) {
    std::string where;
    if (!outcomes.damages.empty())
      where = fmt::format(": {} {}", outcomes.damages.back().key, outcomes.damages.back().what);
    return fail(Code::kStore, fmt::format("of {} outcomes that were kept the journal shows {}{}",
                                          kept, found, where));
  }
  const fs::path rows = context_.scratch.root / "results.jsonl";
  const Fd fd(::open(rows.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("create " + rows.string());
  const auto write = [&](std::string_view some) {
    return write_all(fd.get(), some, Clock::now() + kWriteLimit);
  };
  if (auto done = model::outcomes_to_jsonl(outcomes, write); !done)
    return fail(done.error().within(rows.string()));
  auto written = context_.store->put_file(context_.keys().outcomes(), rows);
  (void)::unlink(rows.c_str());
  return written;
}

/// What nobody can read has not been reached.
void MainNode::unwritten(const Error& error) {
  if (said_end_) return;
  log::error("{}", error.text);
  const bool superseded = error.code == Code::kSuperseded;
  store_lost_ = store_lost_ || superseded;
  if (!superseded && !outcome_ && outcome_.error().code != Code::kCommandsFailed) return;
  outcome_ = fail(error.within("the end of the stage could not be written"));
  const Code code = superseded ? Code::kSuperseded : Code::kStore;
  status_ = code_info(code).exit_status;
}

void MainNode::say_the_end() {
  if (std::exchange(said_end_, true)) return;
  roster_->send_all(Control::kEnd, encode(End{status_, outcome_ ? "" : outcome_.error().text}));
  epochs_->stop([] {});
  const TimePoint limit = Clock::now() + kGoodbyes;
  timers_.push_back(loop_.every(Milliseconds(5), [this, limit] {
    if (roster_->connected() == 0 || Clock::now() > limit) ended();
  }));
}

void MainNode::ended() {
  for (const Loop::TimerId timer : timers_) loop_.cancel(timer);
  timers_.clear();
  keeper_.finished(status_);  // what is left to clear away may take longer than it waits for beats
  const TimePoint limit = Clock::now() + kLastWords;
  for (Errands* errands : {errands_.get(), progress_errands_.get()})
    if (!errands->finish(limit)) log::error("the store does not answer");
  loop_.stop();
}

// ---- what people see

void MainNode::write_nodes() {
  std::string json = roster_->to_json();
  if (json == nodes_json_ || store_lost_) return;
  nodes_json_ = json;
  errands_->add("nodes",
                [store = context_.store, key = context_.attempt().nodes(), json = std::move(json)] {
                  if (auto done = store->put(key, json); !done)
                    log::warning("{}", done.error().text);
                });
}

model::Progress MainNode::progress() const {
  model::Progress progress;
  switch (phase_) {
    case Phase::kJoining:
      progress.state = "JOINING";
      break;
    case Phase::kRunning:
      progress.state = Clock::now() < deal_from_ ? "WAITING" : "RUNNING";
      break;
    case Phase::kReducing:
      progress.state = "REDUCING";
      break;
    case Phase::kEnding:
      progress.state = ended_ == 0 ? "DRAINING" : status_ == 0 ? "SUCCEEDED" : "FAILED";
  }
  progress.attempt = context_.me.attempt;
  progress.nodes = context_.me.nodes;
  progress.joined =
      static_cast<uint32_t>(roster_->count(NodeState::kReady) + roster_->count(NodeState::kJoined) +
                            (ended_ > 0 ? roster_->count(NodeState::kLeft) : 0));
  if (commands_) {
    const model::Counts counts = commands_->counts();
    progress.total = commands_->list().size();
    progress.done = counts.done();
    progress.failed = counts.bad();
    progress.running = counts.running;
  } else {
    const auto& record = program_->record();
    progress.total = 1;
    progress.done = record || program_->succeeded_before() ? 1 : 0;
    progress.failed = record && !record->success() ? 1 : 0;
    progress.running = program_->running() ? 1 : 0;
  }
  progress.started = started_;
  progress.ended = ended_;
  progress.updated = wall_seconds();
  if (ended_ > 0) progress.status = status_;
  progress.text = outcome_ ? roster_->bad_text() : outcome_.error().text;
  return progress;
}

void MainNode::write_progress() {
  if (store_lost_) return;
  // After the journal's last word, which no successor lets happen.
  progress_file_->write(progress(), [last = words_put_, clock = context_.me.lease_clock(),
                                     until = owner_seen_ + context_.spec().lease] {
    return last || clock.now() <= until;
  });
}

}  // namespace mnp::node
