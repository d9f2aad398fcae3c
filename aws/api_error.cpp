#include "aws/api_error.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "aws/xml.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kMaxShown = 400;  // bytes of a message
constexpr size_t kMaxErrorDocument = size_t{1} << 20;

struct Said {
  std::string type, message;
};

/// S3 answers <Error>, the query services <ErrorResponse><Error>, EC2's kind <Response><Errors>.
Said from_xml(std::string_view body) {
  const auto document = XmlDocument::parse(body);
  if (!document) return {};
  XmlElement error = document->root();
  if (error.child("Errors").exists()) error = error.child("Errors");
  if (error.name() != "Error") error = error.child("Error");
  if (!error.exists()) return {};
  return {error.text("Code"), error.text("Message")};
}

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// "com.amazonaws.batch#ClientException:http://..." is a ClientException.
std::string short_type(std::string type) {
  type = type.substr(0, type.find(':'));
  const size_t hash = type.rfind('#');
  return hash == std::string::npos ? type : type.substr(hash + 1);
}

Said from_json(const HttpResponse& response) {
  Said said;
  said.type = header(response.headers, "x-amzn-errortype");
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  if (body.is_object()) {
    for (const char* key : {"__type", "code", "Code"})
      if (said.type.empty()) said.type = text_of(body, key);
    for (const char* key : {"message", "Message", "errorMessage"})
      if (said.message.empty()) said.message = text_of(body, key);
  }
  said.type = short_type(said.type);
  return said;
}

Said said_by(const HttpResponse& response) {
  if (response.body.size() > kMaxErrorDocument) return {};
  const std::string_view body = trim(response.body);
  return !body.empty() && body.front() == '<' ? from_xml(body) : from_json(response);
}

Code code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Code::kDenied;
    case 404:
      return Code::kNotFound;
    case 409:
    case 412:
      return Code::kExists;
    default:
      return Code::kStore;
  }
}

/// One line of what may be shown.
std::string shown(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& list, std::string_view type) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

// Source: "Retry behavior", AWS SDKs and Tools Reference Guide.
constexpr std::array<std::string_view, 15> kThrottling = {"Throttling",
                                                          "ThrottlingException",
                                                          "ThrottledException",
                                                          "RequestThrottledException",
                                                          "RequestThrottled",
                                                          "TooManyRequestsException",
                                                          "ProvisionedThroughputExceededException",
                                                          "TransactionInProgressException",
                                                          "RequestLimitExceeded",
                                                          "BandwidthLimitExceeded",
                                                          "LimitExceededException",
                                                          "SlowDown",
                                                          "PriorRequestNotComplete",
                                                          "EC2ThrottledException",
                                                          "Busy"};
// The last two are S3's 409 of a condition that it could not look at: API Reference, PutObject.
constexpr std::array<std::string_view, 8> kTransient = {
    "RequestTimeout",   "RequestTimeoutException",   "InternalError",
    "InternalFailure",  "ServiceUnavailable",        "IDPCommunicationError",
    "OperationAborted", "ConditionalRequestConflict"};
constexpr std::array<std::string_view, 3> kSkewed = {"RequestTimeTooSkewed", "RequestInTheFuture",
                                                     "RequestExpired"};
// What is said of any wrong signature: Batch and Logs the first, STS and CloudFormation the second.
constexpr std::array<std::string_view, 2> kMaySkew = {"InvalidSignatureException",
                                                      "SignatureDoesNotMatch"};
constexpr std::array<std::string_view, 3> kExpired = {"ExpiredToken", "ExpiredTokenException",
                                                      "TokenRefreshRequired"};
constexpr std::array<std::string_view, 2> kNoGood = {"InvalidToken", "InvalidClientTokenId"};

}  // namespace

ApiError as_api_error(Error error) {
  ApiError made;
  static_cast<Error&>(made) = std::move(error);
  return made;
}

ApiError api_error(const HttpResponse& response) {
  const Said said = said_by(response);
  ApiError error;
  error.status = response.status;
  error.date = header(response.headers, "Date");
  error.bucket_region = shown(header(response.headers, "x-amz-bucket-region"));
  error.type = shown(said.type);
  const bool denied = is_one_of(kExpired, error.type) || is_one_of(kNoGood, error.type);
  error.code = is_one_of(kTransient, error.type) ? Code::kStore
               : denied                          ? Code::kDenied
                                                 : code_of(response.status);
  error.text = std::to_string(response.status);
  if (!error.type.empty()) error.text += " " + error.type;
  if (!said.message.empty()) error.text += ": " + shown(said.message);
  std::string request = header(response.headers, "x-amzn-requestid");
  if (request.empty()) request = header(response.headers, "x-amz-request-id");
  if (!request.empty()) error.text += fmt::format(" (request {})", shown(request));
  return error;
}

bool is_error_document(const HttpResponse& response) {
  if (response.body.size() > kMaxErrorDocument) return false;
  const std::string_view body = trim(response.body);
  if (body.empty() || body.front() != '<') return false;
  const auto document = XmlDocument::parse(body);
  return document && document->root().name() == "Error";
}

Retriable retriable(const ApiError& error, std::string_view method) {
  const bool mute = method == "HEAD" && error.type.empty();
  if (is_one_of(kExpired, error.type) || (mute && error.status == 400)) return Retriable::kExpired;
  if (is_one_of(kSkewed, error.type)) return Retriable::kSkewed;
  if (is_one_of(kMaySkew, error.type) || (mute && error.status == 403)) return Retriable::kMaySkew;
  if (is_one_of(kThrottling, error.type) || error.status == 429) return Retriable::kThrottled;
  if (is_one_of(kTransient, error.type)) return Retriable::kTransient;
  switch (error.status) {
    case 0:
      return error.code == Code::kTimeout || error.code == Code::kIo || error.code == Code::kClosed
                 ? Retriable::kTransient
                 : Retriable::kNo;
    case 500:
    case 502:
    case 503:
    case 504:
      return Retriable::kTransient;
    default:
      return Retriable::kNo;
  }
}

}  // namespace mnp::aws
