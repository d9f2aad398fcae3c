// What a service of AWS answers instead of what it was asked for.
#pragma once

#include <string>
#include <string_view>

#include "aws/http.hpp"
#include "mnp/core/result.hpp"

namespace mnp::aws {

/// Of a call: `status` is 0 where no response came at all.
struct ApiError : Error {
  int status = 0;
  std::string type;           // "NoSuchKey", "ThrottlingException"
  std::string date;           // by the server's clock, as its header says it
  std::string bucket_region;  // in which S3 says that the bucket lies
};
template <class T>
using ApiResult = tl::expected<T, ApiError>;
using ApiStatus = ApiResult<void>;

/// What went wrong before any response came.
ApiError as_api_error(Error error);

inline tl::unexpected<ApiError> fail(ApiError error) {
  return tl::unexpected<ApiError>(std::move(error));
}

/// From a response that is an error, in XML or JSON, or by its status alone. The text names status,
/// type, message and request. kDenied for 401 and 403, kNotFound for 404, kExists for 409 and 412,
/// else kStore, as for what is to be tried again.
ApiError api_error(const HttpResponse& response);
/// Whether a 200 is one all the same: S3 answers so when it has begun to answer too early.
bool is_error_document(const HttpResponse& response);

enum class Retriable {
  kNo,
  kTransient,  // again, after a while
  kThrottled,  // the same
  kSkewed,     // once, with the server's clock
  kMaySkew,    // the same, where the clocks differ by so much that it explains the refusal
  kExpired,    // once, with fresh credentials
};
/// `method`: of the request. The answer to a HEAD has no body that could name a type.
Retriable retriable(const ApiError& error, std::string_view method = "GET");

}  // namespace mnp::aws
