// Publishing into a store in S3.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/s3_store.hpp"
#include "aws/s3_transfer.hpp"
#include "mnp/model/spec.hpp"
#include "mnp/node/results_publisher.hpp"

namespace mnp::node {

struct S3PublishTarget {
  std::string results;   // key of <stage>/results
  std::string partials;  // key of <attempt>/partials/node-0003.1, this incarnation's own
  std::optional<model::Reduce> reduce;
  OwnerNumber owner;
};

/// Who has published an object stands in its metadata ("mnp-command", "mnp-owner", "mnp-start",
/// "mnp-identity"), and each put is on condition that none is there, or the one that was looked at.
/// Many files at once. Where the server knows no conditions, and before a file that goes in parts
/// (Ceph's takes none at the end of such an upload), it looks before it puts, which is less sure.
/// Of a start that is refused, what it has made already is removed again; S3 has no way to do
/// several at once.
class S3Publisher : public ResultsPublisher {
 public:
  S3Publisher(std::shared_ptr<aws::S3Store> store, S3PublishTarget target,
              aws::TransferOptions options = {});
  void publish(std::vector<Publishing>& starts) override;
  /// S3 answers when it has the bytes.
  Status sync() override { return {}; }
  Status remove(const std::vector<std::string>& paths) override;

 private:
  struct Start;
  Status publish_one(Start& start, size_t file);
  Result<aws::Uploaded> put(const fs::path& source, const aws::S3Place& place, const Origin& who,
                            const std::string& path, bool& created);
  Status take_back(const aws::S3Place& place, const std::function<bool(const Origin&)>& whose);
  Result<aws::Uploaded> send(const fs::path& source, const aws::S3Place& place,
                             const aws::S3PutOptions& options);

  const std::shared_ptr<aws::S3Store> store_;
  const S3PublishTarget target_;
  const aws::TransferOptions options_;
};

}  // namespace mnp::node
