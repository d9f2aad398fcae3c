// Calls of services that take JSON and answer with JSON.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "aws/service.hpp"

namespace mnp::aws {

using Json = nlohmann::json;

/// POST of `body` to `path`; with `target` as json-1.1 services take it (X-Amz-Target). An answer
/// that is no JSON object is kProtocol. Errors' texts begin with `what`.
ApiResult<Json> call_json(const Service& service, const std::string& what, const std::string& path,
                          const std::string& target, const std::string& body,
                          const CallOptions& options = {});

// Members of an object that a service has sent: absent, null and of another type are all nothing.
std::string text_at(const Json& object, const char* name);
double number_at(const Json& object, const char* name);
bool flag_at(const Json& object, const char* name);
/// Text of a body; what is not UTF-8 is replaced.
std::string body_text(const Json& body);
/// An empty array or object where there is none.
const Json& array_at(const Json& object, const char* name);
const Json& object_at(const Json& object, const char* name);

}  // namespace mnp::aws
