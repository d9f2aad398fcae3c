// `reduce`: arrays of the same path, added up over commands and nodes by the MPI ranks.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mnp/core/frame.hpp"
#include "mnp/core/loop.hpp"
#include "mnp/model/message.hpp"
#include "mnp/model/rank_link.hpp"
#include "mnp/model/record.hpp"
#include "mnp/node/context.hpp"

namespace mnp::node {

/// Knows the partials of every kept success; each command counts once. Lives in main's loop.
class Reduction {
 public:
  static constexpr size_t kAhead = 4;  // arrays that the ranks know of at once
  /// Of one array on one node: what the encoded names of its partials may take, so that they fit a
  /// frame with all that is around them (two paths, and who it is for).
  static constexpr size_t kMaxNames = kMaxFrame - (size_t{64} << 10);

  struct Callbacks {
    /// A node's share, for its rank; only main's has a target.
    std::function<void(NodeIndex, const model::ReduceOrder&)> order;
    std::function<void(const model::ResultFile&)> reduced;  // one array is in results/
    /// The ranks do not come together on it, which a new epoch may mend.
    std::function<void(const std::string& why)> stuck;
    std::function<void(Status)> finished;  // all are, or why not
  };
  Reduction(const Context& context, Callbacks callbacks)
      : context_(context), callbacks_(std::move(callbacks)) {}

  /// `attempt`: key of the attempt that kept the record, and in whose list the record's command is
  /// numbered. `now`: the command in today's list.
  void add(const std::string& attempt, const model::Record& record, CommandIndex now);
  bool wanted() const { return !arrays_.empty(); }

  /// Begins, or begins again in a new epoch with what is not reduced yet.
  void start(const std::vector<NodeIndex>& nodes);
  /// The epoch is gone.
  void interrupt() { under_way_.clear(); }
  /// What main's own rank says.
  void done(const model::CollectiveDone& done);

 private:
  struct Array {
    std::map<CommandIndex, std::string> partials;  // files, by command
    bool reduced = false;
  };
  void advance();
  Status order(const std::string& path, const Array& array);
  Error name_commands(Error error, const Array& array) const;
  void give_up(const Status& why);

  const Context& context_;
  Callbacks callbacks_;
  std::map<std::string, Array> arrays_;  // by path below results/
  std::vector<NodeIndex> nodes_;
  std::map<uint64_t, std::string> under_way_;
  std::map<std::string, Array>::iterator next_ = arrays_.end();
  uint64_t last_id_ = 0;
};

}  // namespace mnp::node
