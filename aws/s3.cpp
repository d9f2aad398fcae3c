#include "aws/s3.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "aws/digest.hpp"
#include "aws/service.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kCrc = "mnp-crc32c";
constexpr std::string_view kMetadata = "x-amz-meta-";
constexpr uint64_t kSlowest = 4 << 10;  // bytes a second: many go over one line at once, and where
                                        // none comes the stall is noticed
constexpr uint64_t kAnswer = uint64_t{16} << 20;  // bytes of an answer that is no object
constexpr Milliseconds kCall{60000};              // beyond its bodies' time
constexpr int kRegions = 2;                       // that are asked: its own, and the one it names
constexpr int kAllTries = 4;                      // times the limit of one
// "May take several minutes": API Reference, CompleteMultipartUpload. Until then blanks come, if
// anything.
constexpr Milliseconds kCompletion = std::chrono::minutes(15);

S3Info info_of(const HttpResponse& response) {
  S3Info info;
  info.etag = header(response.headers, "ETag");
  info.version = header(response.headers, "x-amz-version-id");
  info.modified = http_date(header(response.headers, "Last-Modified")).value_or(0);
  for (const auto& [name, value] : response.headers)
    if (starts_with(lower(name), kMetadata))
      info.metadata.emplace_back(lower(name.substr(kMetadata.size())), value);
  if (const auto length = parse_integer(header(response.headers, "Content-Length")))
    info.bytes = static_cast<uint64_t>(*length);
  // "bytes 0-9/100"
  const std::string range = header(response.headers, "Content-Range");
  if (const size_t slash = range.find('/'); slash != std::string::npos)
    if (const auto whole = parse_integer(range.substr(slash + 1)))
      info.bytes = static_cast<uint64_t>(*whole);
  return info;
}

/// A bucket whose objects are locked by default (S3 Object Lock) takes none without.
bool asks_for_md5(const HttpRequest& request, const ApiError& error) {
  return request.method == "PUT" && error.status == 400 && error.type == "InvalidRequest" &&
         error.text.find("Content-MD5") != std::string::npos;
}

/// nullopt: the source gives no more.
std::optional<std::string> md5_of(const HttpRequest& request) {
  if (request.source == nullptr) return md5(request.body);
  std::string bytes(request.source->size(), '\0');  // of one part
  if (!bytes.empty() && !request.source->read(0, bytes)) return std::nullopt;
  return md5(bytes);
}

void add_options(HttpRequest& request, const S3PutOptions& options) {
  if (options.only_if_absent) request.headers.emplace_back("If-None-Match", "*");
  if (!options.only_if_etag.empty()) request.headers.emplace_back("If-Match", options.only_if_etag);
  for (const auto& [name, value] : options.metadata)
    request.headers.emplace_back(std::string(kMetadata) + name, value);
}

}  // namespace

Headers checksum_metadata(uint32_t crc) {
  return {{kCrc, hex32(crc)}};
}

uint32_t checksum_of(const S3Info& info) {
  constexpr int kHex = 16;
  return static_cast<uint32_t>(std::strtoul(header(info.metadata, kCrc).c_str(), nullptr, kHex));
}

Status compare_checksum(const S3Place& from, const S3Info& info, uint32_t crc) {
  const std::string wanted = header(info.metadata, kCrc);
  if (wanted.empty() || wanted == hex32(crc)) return {};
  return fail(Code::kStore, fmt::format("{}: what came has the checksum {}, what was put {}",
                                        from.text(), hex32(crc), wanted));
}

std::string random_nonce() {
  std::random_device random;
  return hex64(uint64_t{random()} << 32 | random());
}

Result<S3Place> S3Place::parse(std::string_view url) {
  if (!starts_with(url, "s3://"))
    return fail(Code::kConfig, fmt::format("'{}' is no s3://BUCKET/KEY", url));
  const std::string_view rest = url.substr(5);
  const size_t slash = std::min(rest.find('/'), rest.size());
  S3Place place{std::string(rest.substr(0, slash)),
                std::string(rest.substr(std::min(slash + 1, rest.size())))};
  if (place.bucket.empty()) return fail(Code::kConfig, fmt::format("'{}' names no bucket", url));
  if (place.key.size() > kMaxKey)
    return fail(Code::kConfig, fmt::format("'{}...': a key of {} bytes, {} are allowed",
                                           url.substr(0, 80), place.key.size(), kMaxKey));
  return place;
}

Result<S3> S3::create(const Settings& settings, std::shared_ptr<Transport> transport,
                      std::shared_ptr<CredentialsProvider> credentials,
                      const std::atomic<bool>* cancel) {
  MNP_TRY(EndpointOptions options, settings.endpoint_options("s3"));
  if (options.region.empty() && !options.custom.empty()) options.region = "us-east-1";
  MNP_CHECK(s3_endpoint("", options, true));
  MNP_TRY(const bool path_style, settings.s3_path_style());
  MNP_TRY(const auto signs, settings.s3_signs_payload());
  using SignPut = SigningRules::SignPut;
  const SignPut sign_put = !signs   ? SignPut::kWithoutTls
                           : *signs ? SignPut::kAlways
                                    : SignPut::kNever;
  ClientOptions client;
  MNP_TRY(client.attempts, max_attempts(settings));
  auto regions = std::make_shared<Regions>();
  regions->make = [transport = std::move(transport), credentials = std::move(credentials), options,
                   client, sign_put](const std::string& name) {
    Region region{options, nullptr};
    region.endpoint.region = name;
    ClientOptions of_region = client;
    of_region.rules = s3_signing_rules(name);
    of_region.rules.sign_put = sign_put;
    region.client = std::make_shared<Client>(transport, credentials, std::move(of_region));
    return region;
  };
  regions->home = regions->make(options.region);
  return S3(std::move(regions), path_style, cancel);
}

S3::Region S3::region_of(const std::string& bucket) const {
  const std::scoped_lock lock(regions_->mutex);
  const auto found = regions_->of_bucket.find(bucket);
  return found == regions_->of_bucket.end() ? regions_->home : found->second;
}

bool S3::is_elsewhere(const std::string& bucket, const Region& asked, ApiError& error) const {
  const bool says_so = error.status == 301 || error.status == 307 || error.status == 400;
  const std::string& name = error.bucket_region;
  if (!says_so || name.empty() || name == asked.endpoint.region) return false;
  const Region found = regions_->make(name);
  if (!asked.endpoint.custom.empty() || !s3_endpoint(bucket, found.endpoint, path_style_)) {
    error.text += fmt::format("; the bucket lies in {}, not in {}: set AWS_REGION", name,
                              asked.endpoint.region);
    error.code = Code::kConfig;
    return false;
  }
  const std::scoped_lock lock(regions_->mutex);
  regions_->of_bucket.insert_or_assign(bucket, found);
  return true;
}

ApiError S3::no_sense(const S3Place& place, const std::string& what) {
  return as_api_error(
      {Code::kProtocol, fmt::format("{}: the answer makes no sense: {}", place.text(), what)});
}

Result<HttpRequest> S3::request(const std::string& method, const S3Place& place) const {
  HttpRequest request;
  MNP_TRY(request.endpoint,
          s3_endpoint(place.bucket, region_of(place.bucket).endpoint, path_style_));
  request.method = method;
  request.path = "/" + percent_encode_path(place.key);
  return request;
}

/// `expected`: bytes of the object that go there or come back. `completes`: an upload.
ApiResult<HttpResponse> S3::call(HttpRequest request, const S3Place& place, uint64_t expected,
                                 bool completes) {
  CallOptions options;
  options.limits.whole =
      kCall + Milliseconds(1000 * std::max(expected, request.body_bytes()) / kSlowest);
  options.limits.body = std::max(expected, kAnswer);
  options.deadline = kAllTries * options.limits.whole;
  if (completes) options.limits.whole = options.limits.stall = options.deadline = kCompletion;
  options.cancel = cancel_;
  // S3 may say so of all but an object's bytes.
  options.error_in_200 = request.method != "GET" || request.path == "/";
  bool has_md5 = false;
  {
    const std::scoped_lock lock(regions_->mutex);
    has_md5 = request.method == "PUT" && regions_->with_md5.count(place.bucket) > 0;
  }
  if (has_md5) {
    const auto digest = md5_of(request);
    if (!digest) return fail(as_api_error({Code::kStopped, place.text() + ": cancelled"}));
    request.headers.emplace_back("Content-MD5", base64(*digest));
  }
  ApiResult<HttpResponse> answer;
  for (int i = 0; i < kRegions; ++i) {
    const Region region = region_of(place.bucket);
    auto endpoint = s3_endpoint(place.bucket, region.endpoint, path_style_);
    if (!endpoint) return fail(as_api_error(endpoint.error()));
    request.endpoint = std::move(*endpoint);
    answer = region.client->call(request, options);
    if (answer || !is_elsewhere(place.bucket, region, answer.error())) break;
  }
  if (!answer && !has_md5 && asks_for_md5(request, answer.error())) {
    {
      const std::scoped_lock lock(regions_->mutex);
      regions_->with_md5.insert(place.bucket);
    }
    return call(std::move(request), place, expected, completes);
  }
  if (answer) return answer;
  ApiError& error = answer.error();
  error.text = place.text() + ": " + error.text;
  // No answer at all: kIo is left to files of this machine.
  if (error.status == 0 && (error.code == Code::kIo || error.code == Code::kTimeout ||
                            error.code == Code::kProtocol || error.code == Code::kClosed))
    error.code = Code::kStore;
  if (error.status == 403 && (request.method == "GET" || request.method == "HEAD"))
    error.text += "; without s3:ListBucket a key that is not there is refused, too";
  return answer;
}

ApiResult<S3Info> S3::head(const S3Place& place) {
  const auto made = request("HEAD", place);
  if (!made) return fail(as_api_error(made.error()));
  const auto answer = call(*made, place);
  if (!answer) return fail(answer.error());
  return info_of(*answer);
}

ApiResult<HttpResponse> S3::fetch(const S3Place& place, std::optional<S3Range> range,
                                  const std::string& if_match, BodySink* sink) {
  auto made = request("GET", place);
  if (!made) return fail(as_api_error(made.error()));
  made->sink = sink;
  uint64_t expected = uint64_t{5} << 30;  // the largest that was put at once
  if (range) {
    made->headers.emplace_back(
        "Range", fmt::format("bytes={}-{}", range->first, range->first + range->bytes - 1));
    expected = range->bytes;
  }
  if (!if_match.empty()) made->headers.emplace_back("If-Match", if_match);
  auto answer = call(*made, place, expected);
  if (!answer || !range) return answer;
  const uint64_t came = answer->body.size() + answer->sunk;
  if ((answer->status == 206 && came <= range->bytes) || came == range->bytes) return answer;
  ApiError error;
  error.code = Code::kProtocol;
  error.text = fmt::format("{}: asked for {} bytes from {}, {} came", place.text(), range->bytes,
                           range->first, came);
  return fail(error);
}

ApiResult<S3Object> S3::get(const S3Place& place, std::optional<S3Range> range,
                            const std::string& if_match) {
  auto answer = fetch(place, range, if_match, nullptr);
  if (!answer) return fail(answer.error());
  return S3Object{info_of(*answer), std::move(answer->body)};
}

ApiResult<S3Info> S3::get_into(BodySink& sink, const S3Place& place, S3Range range,
                               const std::string& if_match) {
  const auto answer = fetch(place, range, if_match, &sink);
  if (!answer) return fail(answer.error());
  return info_of(*answer);
}

ApiResult<S3Info> S3::put(const S3Place& place, std::string_view bytes,
                          const S3PutOptions& options) {
  auto made = request("PUT", place);
  if (!made) return fail(as_api_error(made.error()));
  made->body = bytes;
  add_options(*made, options);
  const auto answer = call(*made, place);
  if (!answer) return fail(answer.error());
  return info_of(*answer);
}

ApiStatus S3::remove(const S3Place& place, const std::string& version,
                     const std::string& if_match) {
  auto made = request("DELETE", place);
  if (!made) return fail(as_api_error(made.error()));
  if (!version.empty()) made->query = {{"versionId", version}};
  if (!if_match.empty()) made->headers.emplace_back("If-Match", if_match);
  const auto answer = call(*made, place);
  if (!answer && answer.error().code != Code::kNotFound) return fail(answer.error());
  return {};
}

Result<std::string> S3::presigned_get(const S3Place& place, int expires_in) {
  MNP_TRY(const HttpRequest made, request("GET", place));
  return region_of(place.bucket).client->presigned(made, expires_in);
}

}  // namespace mnp::aws
