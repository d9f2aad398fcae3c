#include "mnp/node/reduction.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mnp::node {
size_t Reduction::names_of(const model::ReduceOrder& share) const {
  size_t bytes = 0;
  for (const std::string& file : share.files) bytes += sizeof(uint32_t) + prefix() + file.size();
  return bytes;
}

/// Whether a node's share fits a message.
Status Reduction::check_names(const std::string& array, const model::ReduceOrder& share) const {
  const size_t bytes = names_of(share);
  if (bytes <= Reduction::kMaxNames) return {};
  return fail(
      Code::kConfig,
      fmt::format("reduce {}: a node would add up parts of {} commands, whose names take {} "
                  "bytes of {}; let each command do more, or use more nodes",
                  array, share.files.size(), bytes, Reduction::kMaxNames));
}

void Reduction::add(const std::string& attempt, const model::Record& record, CommandIndex now) {
  if (!record.success()) return;
  const std::string folder =
      fmt::format("{}/partials/node-{:04}.{}/{}-{}", attempt, record.node.value(),
                  record.incarnation.value(), record.command.value(), record.start);
  for (const model::ResultFile& file : record.files)
    if (file.partial) arrays_[file.path].partials.emplace(now, folder + "/" + file.path);
}

void Reduction::start(const std::vector<NodeIndex>& nodes) {
  nodes_ = nodes;
  forget_shares();
  next_ = arrays_.begin();
  advance();
}

void Reduction::advance() {
  while (under_way_.size() < kAhead && next_ != arrays_.end()) {
    if (auto ordered = next_->second.reduced ? Status() : order(next_->first, next_->second);
        !ordered)
      return give_up(ordered);
    ++next_;
  }
  if (under_way_.empty() && next_ == arrays_.end()) callbacks_.finished({});
}

void Reduction::forget_shares() {
  under_way_.clear();
  shares_.clear();
  names_out_ = 0;
}

void Reduction::give_up(const Status& why) {
  forget_shares();
  next_ = arrays_.end();
  callbacks_.finished(why);
}

/// Every node gets a run of neighbouring commands: the order of summing is that of the list.
Status Reduction::order(const std::string& path, const Array& array) {
  std::vector<std::string> files;
  files.reserve(array.partials.size());
  for (const auto& [command, file] : array.partials) files.push_back(file);
  std::vector<model::ReduceOrder> orders(nodes_.size());
  const uint64_t id = last_id_ + 1;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    model::ReduceOrder& share = orders[i];
    share.id = id;
    share.op = static_cast<uint8_t>(context_.spec().reduce->op);
    share.files.assign(
        files.begin() + static_cast<ptrdiff_t>(files.size() * i / nodes_.size()),
        files.begin() + static_cast<ptrdiff_t>(files.size() * (i + 1) / nodes_.size()));
    MNP_CHECK(check_names(path, share));
    if (nodes_[i] == context_.me.index) share.target = path;
  }
  last_id_ = id;
  UnderWay& array_now = under_way_[id];
  array_now.path = path;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    array_now.missing[nodes_[i]] = names_of(orders[i]);
    if (nodes_[i] == context_.me.index) array_now.own = orders[i];
    shares_.push_back({nodes_[i], std::move(orders[i])});
  }
  hand_out();
  return {};
}

/// As many as may be on their way; one always may.
void Reduction::hand_out() {
  while (!shares_.empty()) {
    const size_t bytes = names_of(shares_.front().order);
    if (names_out_ > 0 && names_out_ + bytes > kMaxNamesOut) return;
    names_out_ += bytes;
    const Share share = std::move(shares_.front());
    shares_.pop_front();
    callbacks_.bring(share.node, share.order);
  }
}

/// What is wrong with files is wrong with the commands that wrote them, and they are final: who
/// mends one has to run the stage anew.
Error Reduction::name_commands(Error error, const Array& array) const {
  if (error.code != Code::kConfig) return error;
  std::vector<uint32_t> commands;
  for (const auto& [command, file] : array.partials)
    if (error.text.find(file) != std::string::npos) commands.push_back(command.value());
  if (commands.empty()) return error;
  error.text += fmt::format(
      "; written by command{} {}, which succeeded, so that `mnp resume` does not run {} again: "
      "mend "
      "the program or the list and start a new run with `mnp run`",
      commands.size() == 1 ? "" : "s", fmt::join(commands, " and "),
      commands.size() == 1 ? "it" : "them");
  return error;
}

void Reduction::held(NodeIndex node, const model::CollectiveDone& held) {
  const auto found = under_way_.find(held.id);
  if (found == under_way_.end()) return;
  if (!held.error.empty())
    return give_up(
        fail(static_cast<Code>(held.code),
             fmt::format("reduce {}: node {}: {}", found->second.path, node.value(), held.error)));
  const auto share = found->second.missing.find(node);
  if (share == found->second.missing.end()) return;
  names_out_ -= share->second;
  found->second.missing.erase(share);
  if (found->second.missing.empty()) callbacks_.order(found->second.own);
  hand_out();
}

void Reduction::done(const model::CollectiveDone& done) {
  const auto found = under_way_.find(done.id);
  if (found == under_way_.end()) return;
  const std::string path = found->second.path;
  if (done.error.empty()) return callbacks_.publish(done.id, path);
  Error error{static_cast<Code>(done.code), fmt::format("reduce {}: {}", path, done.error)};
  if (error.code == Code::kTimeout || error.code == Code::kMpi) {
    interrupt();
    next_ = arrays_.end();
    return callbacks_.stuck(error.text);
  }
  give_up(fail(name_commands(std::move(error), arrays_[path])));
}

void Reduction::published(uint64_t id, const Result<model::ResultFile>& file) {
  const auto found = under_way_.find(id);
  if (found == under_way_.end()) return;  // of an epoch that has ended: once more
  if (!file) return give_up(fail(file.error().within("reduce " + found->second.path)));
  arrays_[file->path].reduced = true;
  under_way_.erase(found);
  callbacks_.reduced(*file);
  advance();
}

}  // namespace mnp::node
