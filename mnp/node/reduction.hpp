// `reduce`: arrays of the same path, added up over commands and nodes by the MPI ranks.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
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
  /// Of one array on one node: what the encoded names of its partials may take, as the rank gets
  /// them, so that they fit a frame with all that is around them (two paths, and who it is for).
  static constexpr size_t kMaxNames = kMaxFrame - (size_t{64} << 10);
  /// Of all shares on their way: main's rank passes them on, and what waits for it is limited.
  static constexpr size_t kMaxNamesOut = size_t{16} << 20;

  /// Bytes that stand before a key in the name of its file on any node: of the store's folder, or
  /// of the node's scratch folder, which also holds a socket, whose path is that short.
  size_t prefix() const { return std::max<size_t>(context_.store_place.size() + 1, 128); }

  struct Callbacks {
    /// A node's share, in keys of the store: it brings the files (reduce_files.hpp), orders its
    /// rank and says so (`held`). Main's does not order its rank yet.
    std::function<void(NodeIndex, const model::ReduceOrder&)> bring;
    /// Every node holds its share: for main's rank, which begins. `target` is a path below
    /// results/.
    std::function<void(const model::ReduceOrder&)> order;
    /// Main's rank has written the array: into results/ with it, then `published`.
    std::function<void(uint64_t id, const std::string& path)> publish;
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
  void interrupt() { forget_shares(); }
  /// A node has brought its share, or why it cannot.
  void held(NodeIndex node, const model::CollectiveDone& held);
  /// What main's own rank says.
  void done(const model::CollectiveDone& done);
  void published(uint64_t id, const Result<model::ResultFile>& file);

 private:
  struct Array {
    std::map<CommandIndex, std::string> partials;  // keys, by command
    bool reduced = false;
  };
  struct UnderWay {
    std::string path;
    model::ReduceOrder own;               // main's
    std::map<NodeIndex, size_t> missing;  // have not brought their share; bytes of its names
  };
  struct Share {
    NodeIndex node;
    model::ReduceOrder order;
  };
  void advance();
  Status order(const std::string& path, const Array& array);
  Error name_commands(Error error, const Array& array) const;
  size_t names_of(const model::ReduceOrder& share) const;
  Status check_names(const std::string& array, const model::ReduceOrder& share) const;
  void hand_out();
  void forget_shares();
  void give_up(const Status& why);

  const Context& context_;
  Callbacks callbacks_;
  std::map<std::string, Array> arrays_;  // by path below results/
  std::vector<NodeIndex> nodes_;
  std::map<uint64_t, UnderWay> under_way_;
  std::deque<Share> shares_;  // to be handed out
  size_t names_out_ = 0;      // bytes of names that were handed out, and whose files are not held
  std::map<std::string, Array>::iterator next_ = arrays_.end();
  uint64_t last_id_ = 0;
};

}  // namespace mnp::node
