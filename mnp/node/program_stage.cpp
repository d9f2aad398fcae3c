#include "mnp/node/program_stage.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cpu/shell_words.hpp"
#include "mnp/core/log.hpp"
#include "mnp/node/programs.hpp"

namespace mnp::node {

void ProgramStage::restore(const model::Event& event) {
  if (const auto* dealt = std::get_if<model::Dealt>(&event)) {
    for (const auto& item : dealt->items) starts_ = std::max(starts_, item.start);
  } else if (const auto* kept = std::get_if<model::RecordKept>(&event)) {
    starts_ = std::max(starts_, kept->record.start);
    succeeded_ |= kept->record.success();
  }
}

void ProgramStage::begin(JournalThread& journal, const Roster& roster, Worker& worker,
                         Callbacks callbacks) {
  journal_ = &journal;
  roster_ = &roster;
  worker_ = &worker;
  callbacks_ = std::move(callbacks);
}

Result<cpu::Start> ProgramStage::start_of(EpochNumber epoch, const MpiHosts& hosts,
                                          const fs::path& folder) const {
  const model::StageSpec& spec = context_.spec();
  cpu::Start start;
  start.base = std::make_shared<const std::vector<std::string>>(worker_->daemon_base());
  start.extra = worker_->daemon_environment(epoch);
  for (std::string& entry : mpi_environment(hosts, folder)) start.extra.push_back(std::move(entry));
  start.extra.push_back("MNP_COMMAND_INDEX=0");
  start.extra.push_back(fmt::format("MNP_TRY={}", starts_));
  if (!spec.ranks_per_node) {
    start.line = spec.program;
    return start;
  }
  start.argv = mpirun_words(hosts, folder, *spec.ranks_per_node);
  if (spec.env.count("PATH") == 0) {
    MNP_TRY(start.argv.front(), find_on_path("mpirun"));
  }
  for (const char* name : {"MNP_RESULTS", "MNP_TRY", "MNP_COMMAND_INDEX"})
    start.argv.insert(start.argv.end(), {"-x", name});
  if (const auto words = cpu::plain_words(spec.program))
    start.argv.insert(start.argv.end(), words->begin(), words->end());
  else
    start.argv.insert(start.argv.end(), {"/bin/sh", "-c", spec.program});
  return start;
}

Status ProgramStage::launch(EpochNumber epoch, MpiHosts hosts, const fs::path& folder) {
  const RosterNode& main = roster_->at(context_.me.index);
  hosts.slots = context_.spec().ranks_per_node.value_or(std::max(1u, main.machine.cores));
  MNP_CHECK(write_host_files(hosts, folder));
  ++starts_;
  ++launches_;
  MNP_TRY(cpu::Start start, start_of(epoch, hosts, folder));
  model::Dealt dealt;
  dealt.node = context_.me.index;
  dealt.incarnation = context_.incarnation;
  dealt.items.push_back({CommandIndex(0), starts_, identity_});
  journal_->append(std::move(dealt));
  Status started = worker_->start_program(
      epoch, starts_, std::move(start),
      [this, number = starts_](const cpu::Finished& finished) { ended(number, finished); });
  running_ = started.has_value();
  return started;
}

void ProgramStage::ended(uint32_t start, const cpu::Finished& finished) {
  if (start != starts_) return;
  running_ = false;
  if (finished.stopped || start == undone_) return;
  ended_ = doubtful_ = true;
  callbacks_.ended();
}

bool ProgramStage::may_restart(NodeIndex lost) {
  if (told_ || ended()) return true;
  undone_ = starts_;
  ended_ = doubtful_ = false;
  record_.reset();
  if (launches_ <= context_.spec().restarts) {
    log::warning("the program has lost node {} and is started again ({} of {} restarts)",
                 lost.value(), launches_, context_.spec().restarts);
    return true;
  }
  told_ = true;
  callbacks_.finished(
      fail(Code::kNodesLost, fmt::format("the program has lost node {} after {} restarts",
                                         lost.value(), context_.spec().restarts)));
  return false;
}

void ProgramStage::let_stand(const std::string& below) {
  if (!std::exchange(doubtful_, false)) return;
  below_ = below;
  if (record_) keep_record();
}

void ProgramStage::stored(const std::vector<model::Record>& records) {
  for (const model::Record& record : records) {
    if (record.start != starts_ || record.start == undone_ || record_) continue;
    record_ = record;
    if (!doubtful_) keep_record();
  }
}

void ProgramStage::keep_record() {
  if (record_->success() && !below_.empty()) record_->error = below_;
  ticket_ = journal_->append(model::RecordKept{*record_, identity_});
}

void ProgramStage::committed(uint64_t through) {
  if (ticket_ == 0 || told_ || through < ticket_) return;
  told_ = true;
  if (record_->success()) return callbacks_.finished({});
  const std::string how = model::to_text(record_->ending);
  callbacks_.finished(fail(Code::kProgramFailed,
                           record_->error.empty() ? "the program ended with " + how
                                                  : fmt::format("the program ended with {}, but {}",
                                                                how, record_->error)));
}

}  // namespace mnp::node
