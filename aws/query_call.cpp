#include "aws/query_call.hpp"

#include <fmt/format.h>

namespace mnp::aws {

ApiError no_sense(const QueryApi& api, const std::string& action, const std::string& what) {
  return as_api_error({Code::kProtocol, fmt::format("{}: the answer to {} makes no sense: {}",
                                                    api.name, action, what)});
}

ApiResult<XmlDocument> call_query(const Service& service, const QueryApi& api,
                                  const std::string& action, Query query,
                                  const CallOptions& options) {
  query.insert(query.begin(), {{"Action", action}, {"Version", api.version}});
  std::string body = query_text(query);
  // As forms have it; and moto signs what it would have written itself.
  for (size_t at = 0; (at = body.find("%20", at)) != std::string::npos; ++at)
    body.replace(at, 3, "+");
  auto answer = service.client->call(service.form(body), options);
  if (!answer) {
    answer.error().text = fmt::format("{}: {}: {}", api.name, action, answer.error().text);
    return fail(std::move(answer).error());
  }
  auto document = XmlDocument::parse(answer->body);
  if (!document) return fail(no_sense(api, action, document.error().text));
  return std::move(*document);
}

XmlElement result_of(const XmlDocument& answer, const std::string& action) {
  return answer.root().child((action + "Result").c_str());
}

}  // namespace mnp::aws
