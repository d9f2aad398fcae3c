// CloudWatch Logs: what containers have said. Source: CloudWatch Logs API Reference, 2014-03-28.
#pragma once

#include <string>
#include <vector>

#include "aws/service.hpp"

namespace mnp::aws {

struct LogEvent {
  double time = 0;      // seconds since 1970, by the container's clock
  std::string message;  // without a line end
};

struct LogPage {
  std::vector<LogEvent> events;
  /// For the next call, which begins after these events, also when there is nothing yet.
  std::string next;
};

class LogsClient {
 public:
  explicit LogsClient(Service service) : service_(std::move(service)) {}

  /// Events of a stream in order, oldest first, from `next` of an earlier page or ("") from the
  /// first one at or after `since` (seconds since 1970). An empty page whose `next` is the one
  /// given is the end, for now. kNotFound: there is no such group or stream (yet).
  ApiResult<LogPage> read(const std::string& group, const std::string& stream,
                          const std::string& next, double since = 0);
  /// Every page there is now.
  ApiResult<std::vector<LogEvent>> read_all(const std::string& group, const std::string& stream);

 private:
  Service service_;
};

}  // namespace mnp::aws
