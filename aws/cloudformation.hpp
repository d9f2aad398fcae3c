// AWS CloudFormation: stacks, their events and change sets.
// Source: AWS CloudFormation API Reference, 2010-05-15.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aws/service.hpp"

namespace mnp::aws {

struct StackRequest {
  std::string name;
  std::string body;  // of the template, at most kMaxTemplate bytes; or
  std::string url;   // where it lies in S3
  std::map<std::string, std::string> parameters;
  std::vector<std::string> capabilities;  // "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"
  std::map<std::string, std::string> tags;
};

struct Stack {
  std::string id, name, status, reason;  // "CREATE_COMPLETE"
  std::string created, updated;          // ISO times as they came; "": never
  std::map<std::string, std::string> parameters, outputs, tags;

  /// Nothing is under way.
  bool settled() const;
  /// What was under way last did not succeed, or was taken back.
  bool failed() const;
};

struct StackEvent {
  std::string id, time;        // ISO time as it came
  std::string resource, type;  // logical id; "AWS::Batch::JobQueue"
  std::string status, reason;
};

struct ResourceChange {
  std::string action;                       // "Add", "Modify", "Remove"
  std::string resource, type, replacement;  // "True", "False", "Conditional", or ""
};

struct ChangeSet {
  std::string id, status, execution, reason;
  std::vector<ResourceChange> changes;
  /// It holds no change; CloudFormation calls that FAILED.
  bool empty() const;
};

inline constexpr size_t kMaxTemplate = 51200;  // bytes of a template in a request

class CloudFormation {
 public:
  explicit CloudFormation(Service service) : service_(std::move(service)) {}

  /// The stack's id. kConfig where the request is over a limit, and nothing has been sent.
  /// Said twice with the same `token`, it is done once.
  ApiResult<std::string> create(const StackRequest& request, const std::string& token);
  /// False: there is nothing to change.
  ApiResult<bool> update(const StackRequest& request, const std::string& token);
  ApiStatus remove(const std::string& name, const std::string& token);
  /// kNotFound: there is no such stack (a removed one is found by its id alone).
  ApiResult<Stack> describe(const std::string& name);
  ApiResult<std::vector<Stack>> describe_all();
  /// Events after the one of id `after` (""; all of them), oldest first.
  ApiResult<std::vector<StackEvent>> events(const std::string& stack, const std::string& after);

  /// The change set's id. `creates`: there is no such stack yet.
  ApiResult<std::string> propose(const StackRequest& request, const std::string& name, bool creates,
                                 const std::string& token);
  ApiResult<ChangeSet> change_set(const std::string& stack, const std::string& name);
  ApiStatus execute(const std::string& stack, const std::string& name, const std::string& token);
  ApiStatus discard(const std::string& stack, const std::string& name);

 private:
  Service service_;
};

}  // namespace mnp::aws
