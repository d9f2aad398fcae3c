// Calls of services that take forms and answer in XML: STS, CloudFormation.
#pragma once

#include <string>

#include "aws/service.hpp"
#include "aws/xml.hpp"

namespace mnp::aws {

struct QueryApi {
  std::string name;     // "sts", for messages
  std::string version;  // of its API: "2011-06-15"
};

/// A POST of Action, Version and `query`. An answer that is no XML is kProtocol. Errors' texts
/// begin with name and action.
ApiResult<XmlDocument> call_query(const Service& service, const QueryApi& api,
                                  const std::string& action, Query query,
                                  const CallOptions& options = {});
/// <ActionResult> of such an answer.
XmlElement result_of(const XmlDocument& answer, const std::string& action);
/// kProtocol: "sts: the answer to GetCallerIdentity makes no sense: ..."
ApiError no_sense(const QueryApi& api, const std::string& action, const std::string& what);

}  // namespace mnp::aws
