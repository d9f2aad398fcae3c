// What a successful command left in $MNP_RESULTS becomes the stage's: created only if absent, each
// file whole or not at all, with the identity of the start that made it.
#pragma once

#include <string>
#include <vector>

#include "mnp/core/files.hpp"
#include "mnp/core/ids.hpp"
#include "mnp/core/result.hpp"
#include "mnp/model/record.hpp"

namespace mnp::node {

/// The start that publishes.
struct Origin {
  CommandIndex command;
  OwnerNumber owner;
  uint32_t start = 0;
  uint64_t identity = 0;  // of the command; its number is that of its owner's list
};

/// A higher (owner, start) of the same command replaces a lower one, never the other way: false.
/// The same is one of the same identity, also under another number; and, for a later owner, one of
/// the same number: its line was edited. kConfig names both commands where the path is another's.
Result<bool> may_replace(const Origin& there, const Origin& who, const std::string& path);

/// What a start has left below its $MNP_RESULTS; no folder there is no file. kConfig: more than a
/// record can hold.
Result<std::vector<std::string>> files_to_publish(const fs::path& from);
/// kConfig where a path is taken for our own use.
Status check_name(const std::string& path, const Origin& who);

/// One start's files.
struct Publishing {
  fs::path from;
  CommandIndex command;
  uint32_t start = 0;
  uint64_t identity = 0;
  /// Once published: what the record says of them. kStore: the store fails, `from` is as it was,
  /// and it may be published again; any other error is final, and nothing of it is published.
  Result<std::vector<model::ResultFile>> files{};
};

/// One thread uses it.
class ResultsPublisher {
 public:
  virtual ~ResultsPublisher() = default;
  virtual void publish(std::vector<Publishing>& starts) = 0;
  /// All that was published is in the store when it returns. kStore; kIo: bytes of it are lost, and
  /// another call would not say so again.
  virtual Status sync() = 0;
  /// Takes files out of results/ that starts have published, whatever they are; what none has
  /// stays. Nobody may publish meanwhile. kStore.
  virtual Status remove(const std::vector<std::string>& paths) = 0;
};

}  // namespace mnp::node
