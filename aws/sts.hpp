// Security Token Service: who one is, and roles. Source: AWS STS API Reference, 2011-06-15.
#pragma once

#include <string>

#include "aws/credentials.hpp"
#include "aws/profile_chain.hpp"
#include "aws/service.hpp"

namespace mnp::aws {

struct CallerIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
};

class Sts {
 public:
  explicit Sts(Service service) : service_(std::move(service)) {}
  ApiResult<CallerIdentity> caller_identity();
  ApiResult<Credentials> assume_role(const AssumedRole& role);
  /// Not signed: the token says who asks.
  ApiResult<Credentials> assume_role_with_web_identity(const WebIdentity& identity,
                                                       const std::string& token);

 private:
  ApiResult<Credentials> credentials(const Query& query, const std::string& action);

  Service service_;
};

}  // namespace mnp::aws
