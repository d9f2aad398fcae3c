// Objects that are put in parts.
#include <fmt/format.h>

#include "aws/s3.hpp"
#include "aws/xml.hpp"

namespace mnp::aws {
namespace {

constexpr Milliseconds kAbort = std::chrono::seconds(5);

}  // namespace

ApiResult<std::string> S3::begin_upload(const S3Place& place, const Headers& metadata) {
  auto made = request("POST", place);
  if (!made) return fail(as_api_error(made.error()));
  made->query = {{"uploads", ""}};
  for (const auto& [name, value] : metadata)
    made->headers.emplace_back("x-amz-meta-" + name, value);
  const auto answer = call(*made, place);
  if (!answer) return fail(answer.error());
  const auto document = XmlDocument::parse(answer->body);
  const std::string id = document ? document->root().text("UploadId") : "";
  if (id.empty()) return fail(no_sense(place, "no UploadId"));
  return id;
}

ApiResult<S3Part> S3::upload_part(const S3Place& place, const std::string& upload, int number,
                                  BodySource& bytes) {
  auto made = request("PUT", place);
  if (!made) return fail(as_api_error(made.error()));
  made->query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
  made->source = &bytes;
  const auto answer = call(*made, place);
  if (!answer) return fail(answer.error());
  S3Part part{number, header(answer->headers, "ETag")};
  if (part.etag.empty()) return fail(no_sense(place, "no ETag of a part"));
  return part;
}

ApiResult<std::string> S3::complete_upload(const S3Place& place, const std::string& upload,
                                           const std::vector<S3Part>& parts,
                                           const S3PutOptions& options) {
  auto made = request("POST", place);
  if (!made) return fail(as_api_error(made.error()));
  made->query = {{"uploadId", upload}};
  if (options.only_if_absent) made->headers.emplace_back("If-None-Match", "*");
  if (!options.only_if_etag.empty()) made->headers.emplace_back("If-Match", options.only_if_etag);
  std::string body = "<CompleteMultipartUpload>";
  for (const S3Part& part : parts)
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", part.number,
                        xml_escape(part.etag));
  body += "</CompleteMultipartUpload>";
  made->body = body;
  const auto answer = call(*made, place, 0, true);
  if (!answer) return fail(answer.error());
  const auto document = XmlDocument::parse(answer->body);
  if (!document) return fail(no_sense(place, document.error().text));
  return document->root().text("ETag");
}

ApiStatus S3::abort_upload(const S3Place& place, const std::string& upload) {
  auto made = request("DELETE", place);
  if (!made) return fail(as_api_error(made.error()));
  made->query = {{"uploadId", upload}};
  CallOptions options;
  options.deadline = options.limits.whole = kAbort;
  const auto answer = region_of(place.bucket).client->call(*made, options);
  if (answer || answer.error().code == Code::kNotFound) return {};
  ApiError error = answer.error();
  error.text = place.text() + ": " + error.text;
  return fail(std::move(error));
}

}  // namespace mnp::aws
