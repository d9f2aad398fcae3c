#include "aws/logs.hpp"

#include <cmath>

#include <fmt/format.h>

#include "aws/json_call.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kMaxName = 512;      // characters of a group's or stream's name
constexpr size_t kMaxPages = 100000;  // of one stream

/// The API's limits: 1 to 512 characters; a stream has neither ':' nor '*'.
Status check_names(const std::string& group, const std::string& stream) {
  for (const std::string& name : {group, stream})
    if (name.empty() || name.size() > kMaxName)
      return fail(Code::kConfig, fmt::format("log group or stream '{}': a name has 1 to {} "
                                             "characters",
                                             name, kMaxName));
  if (stream.find_first_of(":*") != std::string::npos)
    return fail(Code::kConfig,
                fmt::format("log stream '{}': a name has neither ':' nor '*'", stream));
  return {};
}

/// Of a group or stream that is not there; the answer itself has status 400.
bool is_missing(const ApiError& error) {
  return error.type == "ResourceNotFoundException";
}

}  // namespace

ApiResult<LogPage> LogsClient::read(const std::string& group, const std::string& stream,
                                    const std::string& next, double since) {
  if (const auto good = check_names(group, stream); !good) return fail(as_api_error(good.error()));
  Json body = Json::object({{"logGroupName", group}, {"logStreamName", stream}});
  body["startFromHead"] = true;
  if (!next.empty()) body["nextToken"] = next;
  if (since > 0) body["startTime"] = std::llround(since * 1000);
  auto answer =
      call_json(service_, "logs: GetLogEvents", "/", "Logs_20140328.GetLogEvents", body_text(body));
  if (!answer) {
    if (is_missing(answer.error())) answer.error().code = Code::kNotFound;
    return fail(std::move(answer).error());
  }
  LogPage page;
  for (const Json& event : array_at(*answer, "events"))
    page.events.push_back({number_at(event, "timestamp") / 1000, text_at(event, "message")});
  page.next = text_at(*answer, "nextForwardToken");
  return page;
}

ApiResult<std::vector<LogEvent>> LogsClient::read_all(const std::string& group,
                                                      const std::string& stream) {
  std::vector<LogEvent> events;
  std::string next;
  for (size_t page = 0; page < kMaxPages; ++page) {
    auto read_now = read(group, stream, next);
    if (!read_now) return fail(std::move(read_now).error());
    for (LogEvent& event : read_now->events) events.push_back(std::move(event));
    if (read_now->next.empty() || read_now->next == next) return events;
    next = std::move(read_now->next);
  }
  return fail(as_api_error({Code::kProtocol, fmt::format("logs: {}/{} has more than {} pages",
                                                         group, stream, kMaxPages)}));
}

}  // namespace mnp::aws
