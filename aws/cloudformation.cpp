#include "aws/cloudformation.hpp"

#include <algorithm>
#include <cctype>
#include <functional>

#include <fmt/format.h>

#include "aws/query_call.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

const QueryApi kApi{"cloudformation", "2010-05-15"};
constexpr size_t kMaxStackName = 128;
constexpr size_t kMaxUrl = 5120;
constexpr size_t kMaxParameters = 200, kMaxStackTags = 50;
constexpr int kMaxPages = 10000;

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() &&
         std::string_view(text).substr(text.size() - end.size()) == end;
}

Status check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= kMaxStackName &&
                    std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
                    });
  if (good) return {};
  return fail(Code::kConfig, fmt::format("stack '{}': a name has up to {} letters, digits and -, a "
                                         "letter first",
                                         name, kMaxStackName));
}

Status check(const StackRequest& request) {
  MNP_CHECK(check_name(request.name));
  if (request.body.empty() == request.url.empty())
    return fail(Code::kConfig, "a stack needs a template, or the URL of one");
  if (request.body.size() > kMaxTemplate)
    return fail(Code::kConfig, fmt::format("the template has {} bytes; at most {} may be sent, put "
                                           "it into S3 and name its URL",
                                           request.body.size(), kMaxTemplate));
  if (request.url.size() > kMaxUrl)
    return fail(Code::kConfig,
                fmt::format("the template's URL has {} bytes; at most {} are allowed",
                            request.url.size(), kMaxUrl));
  if (request.parameters.size() > kMaxParameters)
    return fail(Code::kConfig, fmt::format("{} parameters; at most {} are allowed",
                                           request.parameters.size(), kMaxParameters));
  if (request.tags.size() > kMaxStackTags)
    return fail(Code::kConfig,
                fmt::format("{} tags; at most {} are allowed", request.tags.size(), kMaxStackTags));
  return {};
}

/// "Tags.member.1.Key=..", "Tags.member.1.Value=.."
void add_pairs(Query& query, const std::string& list, const std::string& key,
               const std::string& value, const std::map<std::string, std::string>& pairs) {
  int number = 0;
  for (const auto& [name, text] : pairs) {
    const std::string member = fmt::format("{}.member.{}.", list, ++number);
    query.emplace_back(member + key, name);
    query.emplace_back(member + value, text);
  }
}

Query query_of(const StackRequest& request) {
  Query query = {{"StackName", request.name}};
  if (request.body.empty())
    query.emplace_back("TemplateURL", request.url);
  else
    query.emplace_back("TemplateBody", request.body);
  add_pairs(query, "Parameters", "ParameterKey", "ParameterValue", request.parameters);
  for (size_t i = 0; i < request.capabilities.size(); ++i)
    query.emplace_back(fmt::format("Capabilities.member.{}", i + 1), request.capabilities[i]);
  add_pairs(query, "Tags", "Key", "Value", request.tags);
  return query;
}

std::map<std::string, std::string> pairs_of(const XmlElement& list, const char* key,
                                            const char* value) {
  std::map<std::string, std::string> pairs;
  list.for_each("member",
                [&](const XmlElement& pair) { pairs[pair.text(key)] = pair.text(value); });
  return pairs;
}

Stack stack_of(const XmlElement& element) {
  Stack stack;
  stack.id = element.text("StackId");
  stack.name = element.text("StackName");
  stack.status = element.text("StackStatus");
  stack.reason = element.text("StackStatusReason");
  stack.created = element.text("CreationTime");
  stack.updated = element.text("LastUpdatedTime");
  stack.parameters = pairs_of(element.child("Parameters"), "ParameterKey", "ParameterValue");
  stack.outputs = pairs_of(element.child("Outputs"), "OutputKey", "OutputValue");
  stack.tags = pairs_of(element.child("Tags"), "Key", "Value");
  return stack;
}

/// CloudFormation answers 400 to what is not there, and names it in words alone.
bool is_missing(const ApiError& error) {
  return error.type == "ValidationError" && error.text.find("does not exist") != std::string::npos;
}

bool is_without_change(const ApiError& error) {
  return error.type == "ValidationError" &&
         error.text.find("No updates are to be performed") != std::string::npos;
}

/// Every page of a listing, until `each` says that this is enough.
ApiStatus read_pages(const Service& service, const std::string& action, const Query& query,
                     const std::function<bool(const XmlElement& result)>& each) {
  std::string token;
  for (int page = 0; page < kMaxPages; ++page) {
    Query whole = query;
    if (!token.empty()) whole.emplace_back("NextToken", token);
    auto answer = call_query(service, kApi, action, std::move(whole));
    if (!answer) {
      if (is_missing(answer.error())) answer.error().code = Code::kNotFound;
      return fail(std::move(answer).error());
    }
    const XmlElement result = result_of(*answer, action);
    if (!each(result)) return {};
    const std::string next = result.text("NextToken");
    if (next.empty()) return {};
    if (next == token) return fail(no_sense(kApi, action, "the page after this one is this one"));
    token = next;
  }
  return fail(no_sense(kApi, action, fmt::format("more than {} pages", kMaxPages)));
}

ApiResult<std::string> call_for(const Service& service, const std::string& action, Query query,
                                const char* wanted) {
  const auto answer = call_query(service, kApi, action, std::move(query));
  if (!answer) return fail(answer.error());
  std::string text = result_of(*answer, action).text(wanted);
  if (text.empty()) return fail(no_sense(kApi, action, std::string("no ") + wanted));
  return text;
}

ApiStatus call_only(const Service& service, const std::string& action, Query query) {
  const auto answer = call_query(service, kApi, action, std::move(query));
  if (!answer) return fail(answer.error());
  return {};
}

}  // namespace

bool Stack::settled() const {
  return !ends_with(status, "_IN_PROGRESS");
}

bool Stack::failed() const {
  return ends_with(status, "_FAILED") || status.find("ROLLBACK") != std::string::npos;
}

/// Source: "Updating stacks using change sets", troubleshooting: the reason is all that tells.
bool ChangeSet::empty() const {
  return status == "FAILED" && changes.empty() &&
         (reason.find("didn't contain changes") != std::string::npos ||
          reason.find("No updates are to be performed") != std::string::npos);
}

ApiResult<std::string> CloudFormation::create(const StackRequest& request,
                                              const std::string& token) {
  if (const auto good = check(request); !good) return fail(as_api_error(good.error()));
  Query query = query_of(request);
  query.emplace_back("ClientRequestToken", token);
  return call_for(service_, "CreateStack", std::move(query), "StackId");
}

ApiResult<bool> CloudFormation::update(const StackRequest& request, const std::string& token) {
  if (const auto good = check(request); !good) return fail(as_api_error(good.error()));
  Query query = query_of(request);
  query.emplace_back("ClientRequestToken", token);
  const auto updated = call_for(service_, "UpdateStack", std::move(query), "StackId");
  if (updated) return true;
  if (is_without_change(updated.error())) return false;
  return fail(updated.error());
}

ApiStatus CloudFormation::remove(const std::string& name, const std::string& token) {
  return call_only(service_, "DeleteStack", {{"StackName", name}, {"ClientRequestToken", token}});
}

ApiResult<Stack> CloudFormation::describe(const std::string& name) {
  std::vector<Stack> stacks;
  const auto read =
      read_pages(service_, "DescribeStacks", {{"StackName", name}}, [&](const XmlElement& result) {
        result.child("Stacks").for_each(
            "member", [&](const XmlElement& stack) { stacks.push_back(stack_of(stack)); });
        return stacks.empty();
      });
  if (!read) return fail(read.error());
  if (!stacks.empty()) return std::move(stacks.front());
  return fail(as_api_error({Code::kNotFound, fmt::format("cloudformation: no stack {}", name)}));
}

ApiResult<std::vector<Stack>> CloudFormation::describe_all() {
  std::vector<Stack> stacks;
  const auto read = read_pages(service_, "DescribeStacks", {}, [&](const XmlElement& result) {
    result.child("Stacks").for_each(
        "member", [&](const XmlElement& stack) { stacks.push_back(stack_of(stack)); });
    return true;
  });
  if (!read) return fail(read.error());
  return stacks;
}

/// They come newest first.
ApiResult<std::vector<StackEvent>> CloudFormation::events(const std::string& stack,
                                                          const std::string& after) {
  std::vector<StackEvent> events;
  bool met = false;
  const auto read = read_pages(
      service_, "DescribeStackEvents", {{"StackName", stack}}, [&](const XmlElement& result) {
        result.child("StackEvents").for_each("member", [&](const XmlElement& event) {
          met = met || (!after.empty() && event.text("EventId") == after);
          if (met) return;
          events.push_back({event.text("EventId"), event.text("Timestamp"),
                            event.text("LogicalResourceId"), event.text("ResourceType"),
                            event.text("ResourceStatus"), event.text("ResourceStatusReason")});
        });
        return !met;
      });
  if (!read) return fail(read.error());
  std::reverse(events.begin(), events.end());
  return events;
}

ApiResult<std::string> CloudFormation::propose(const StackRequest& request, const std::string& name,
                                               bool creates, const std::string& token) {
  if (const auto good = check(request); !good) return fail(as_api_error(good.error()));
  if (const auto good = check_name(name); !good) return fail(as_api_error(good.error()));
  Query query = query_of(request);
  query.emplace_back("ChangeSetName", name);
  query.emplace_back("ChangeSetType", creates ? "CREATE" : "UPDATE");
  query.emplace_back("ClientToken", token);
  return call_for(service_, "CreateChangeSet", std::move(query), "Id");
}

ApiResult<ChangeSet> CloudFormation::change_set(const std::string& stack, const std::string& name) {
  ChangeSet set;
  const auto read = read_pages(
      service_, "DescribeChangeSet", {{"StackName", stack}, {"ChangeSetName", name}},
      [&](const XmlElement& result) {
        set.id = result.text("ChangeSetId");
        set.status = result.text("Status");
        set.execution = result.text("ExecutionStatus");
        set.reason = result.text("StatusReason");
        result.child("Changes").for_each("member", [&](const XmlElement& change) {
          const XmlElement resource = change.child("ResourceChange");
          set.changes.push_back({resource.text("Action"), resource.text("LogicalResourceId"),
                                 resource.text("ResourceType"), resource.text("Replacement")});
        });
        return true;
      });
  if (!read) return fail(read.error());
  return set;
}

ApiStatus CloudFormation::execute(const std::string& stack, const std::string& name,
                                  const std::string& token) {
  return call_only(service_, "ExecuteChangeSet",
                   {{"StackName", stack}, {"ChangeSetName", name}, {"ClientRequestToken", token}});
}

ApiStatus CloudFormation::discard(const std::string& stack, const std::string& name) {
  return call_only(service_, "DeleteChangeSet", {{"StackName", stack}, {"ChangeSetName", name}});
}

}  // namespace mnp::aws
