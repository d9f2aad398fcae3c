// Where the arrays of a reduction lie: ranks read and write files of their own machine.
#pragma once

#include <string>
#include <vector>

#include "mnp/model/record.hpp"
#include "mnp/node/context.hpp"

namespace mnp::node {

/// In a store that is a folder the files are the store's own; of one in S3 there are copies below
/// the node's scratch folder, under the same names. Blocks on the store; from any thread.
class ReduceFiles {
 public:
  explicit ReduceFiles(const Context& context) : context_(context) {}

  /// The objects lie at `file` when it returns. kStore: one cannot be fetched. kIo: they have no
  /// room here.
  Status bring(const std::vector<std::string>& keys) const;
  fs::path file(const std::string& key) const;
  /// Copies that are not needed any more.
  void drop(const std::vector<std::string>& keys) const;

  /// Where main's rank writes the array that will be results/`path`.
  fs::path target(const std::string& path) const;
  /// It is written: it becomes results/`path`. kStore.
  Result<model::ResultFile> publish(const std::string& path) const;

 private:
  const Context& context_;
};

}  // namespace mnp::node
