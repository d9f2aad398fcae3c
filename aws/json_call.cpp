#include "aws/json_call.hpp"

namespace mnp::aws {

ApiResult<Json> call_json(const Service& service, const std::string& what, const std::string& path,
                          const std::string& target, const std::string& body,
                          const CallOptions& options) {
  HttpRequest request;
  request.method = "POST";
  request.endpoint = service.endpoint;
  request.path = path;
  request.body = body;
  if (target.empty())
    request.headers = {{"Content-Type", "application/json"}};
  else
    request.headers = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}};
  auto answer = service.client->call(request, options);
  if (!answer) {
    answer.error().text = what + ": " + answer.error().text;
    return fail(std::move(answer).error());
  }
  Json json = answer->body.empty() ? Json::object() : Json::parse(answer->body, nullptr, false);
  if (json.is_object()) return json;
  return fail(as_api_error({Code::kProtocol, what + ": the answer is no JSON object"}));
}

std::string body_text(const Json& body) {
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

namespace {

const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

}  // namespace

std::string text_at(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

double number_at(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_number() ? value.get<double>() : 0;
}

bool flag_at(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

const Json& array_at(const Json& object, const char* name) {
  static const Json none = Json::array();
  const Json& value = member(object, name);
  return value.is_array() ? value : none;
}

const Json& object_at(const Json& object, const char* name) {
  static const Json none = Json::object();
  const Json& value = member(object, name);
  return value.is_object() ? value : none;
}

}  // namespace mnp::aws
