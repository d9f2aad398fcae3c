#include "mnp/node/reduction.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mnp::node {
namespace {

/// Whether a node's share fits a message.
Status check_names(const std::string& array, const model::ReduceOrder& share) {
  size_t bytes = 0;
  for (const std::string& file : share.files) bytes += sizeof(uint32_t) + file.size();
  if (bytes <= Reduction::kMaxNames) return {};
  return fail(
      Code::kConfig,
      fmt::format("reduce {}: a node would add up parts of {} commands, whose names take {} "
                  "bytes of {}; let each command do more, or use more nodes",
                  array, share.files.size(), bytes, Reduction::kMaxNames));
}

}  // namespace

void Reduction::add(const std::string& attempt, const model::Record& record, CommandIndex now) {
  if (!record.success()) return;
  const fs::path folder =
      context_.store_root / attempt / "partials" /
      fmt::format("node-{:04}.{}", record.node.value(), record.incarnation.value()) /
      fmt::format("{}-{}", record.command.value(), record.start);
  for (const model::ResultFile& file : record.files)
    if (file.partial) arrays_[file.path].partials.emplace(now, (folder / file.path).string());
}

void Reduction::start(const std::vector<NodeIndex>& nodes) {
  nodes_ = nodes;
  under_way_.clear();
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

void Reduction::give_up(const Status& why) {
  under_way_.clear();
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
    if (nodes_[i] == context_.me.index)
      share.target = (context_.store_root / context_.keys().results() / path).string();
  }
  last_id_ = id;
  under_way_[id] = path;
  for (size_t i = 0; i < nodes_.size(); ++i) callbacks_.order(nodes_[i], orders[i]);
  return {};
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

void Reduction::done(const model::CollectiveDone& done) {
  const auto found = under_way_.find(done.id);
  if (found == under_way_.end()) return;
  if (!done.error.empty()) {
    Error error{static_cast<Code>(done.code),
                fmt::format("reduce {}: {}", found->second, done.error)};
    if (error.code == Code::kTimeout || error.code == Code::kMpi) {
      interrupt();
      next_ = arrays_.end();
      return callbacks_.stuck(error.text);
    }
    return give_up(fail(name_commands(std::move(error), arrays_[found->second])));
  }
  model::ResultFile file;
  file.path = found->second;
  std::error_code error;
  const fs::path target = context_.store_root / context_.keys().results() / file.path;
  file.bytes = fs::file_size(target, error);
  if (error)
    return give_up(fail(Code::kStore, fmt::format("reduce {}: {}: {}", file.path, target.string(),
                                                  error.message())));
  fs::permissions(target, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read,
                  error);
  arrays_[file.path].reduced = true;
  under_way_.erase(found);
  callbacks_.reduced(file);
  advance();
}

}  // namespace mnp::node
