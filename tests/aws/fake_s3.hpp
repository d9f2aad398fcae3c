// A bucket in memory, which speaks as much of S3's HTTP as our calls need.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>

#include "aws/http.hpp"
#include "aws/xml.hpp"
#include "memory_body.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {

class FakeS3 : public Transport {
 public:
  Result<HttpResponse> send(const HttpRequest& request, const HttpLimits& limits,
                            const std::atomic<bool>* cancel) override {
    const std::scoped_lock lock(mutex_);
    ++calls;
    last_limits = limits;
    if (before) {
      if (auto instead = before(request)) return delivered(request, std::move(*instead));
    }
    if (cancel != nullptr && *cancel) return fail(Code::kStopped, "cancelled");
    HttpResponse response = answer(request);
    if (lose_answers > 0 && --lose_answers >= 0) return fail(Code::kIo, "the answer is lost");
    return delivered(request, std::move(response));
  }

  /// Answers in place of the bucket, where it wants to.
  std::function<std::optional<Result<HttpResponse>>(const HttpRequest&)> before;
  int lose_answers = 0;
  int calls = 0;
  HttpLimits last_limits;
  bool conditional = true;             // knows If-None-Match
  bool silent = false;                 // else: passes it over, in place of 501
  bool conditional_completion = true;  // looks at conditions where an upload is completed
  std::string modified = "Fri, 24 May 2013 00:00:00 GMT";          // all objects
  std::map<std::string, std::pair<std::string, Headers>> objects;  // by key
  bool versioned = false;
  struct Version {
    std::string key, id;
    std::optional<std::pair<std::string, Headers>> object;  // else a delete marker
  };
  std::vector<Version> versions;  // the newest last
  struct Upload {
    std::string key;
    Headers metadata;
    std::map<int, std::string> parts;
  };
  std::map<std::string, Upload> uploads;       // not completed, by id
  std::string begun = "2013-05-24T00:00:00Z";  // all uploads

 private:
  static std::string query(const HttpRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.query)
      if (key == name) return value;
    return "";
  }
  static HttpResponse error(int status, const std::string& code) {
    return {status, {}, "<Error><Code>" + code + "</Code></Error>"};
  }
  static std::string etag_of(const std::string& bytes) { return "\"" + hex64(fnv1a(bytes)) + "\""; }
  HttpResponse list(const HttpRequest& request) const {
    const std::string prefix = query(request, "prefix"), delimiter = query(request, "delimiter");
    std::string from = query(request, "continuation-token"), body, folder;
    size_t count = 0;
    for (const auto& [key, object] : objects) {
      if (key.compare(0, prefix.size(), prefix) != 0 || key < from) continue;
      if (!folder.empty() && key.compare(0, folder.size(), folder) == 0) continue;
      if (++count > kPage)
        return {200,
                {},
                "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
                "<NextContinuationToken>" +
                    xml_escape(key) + "</NextContinuationToken>" + body + "</ListBucketResult>"};
      if (const size_t end = delimiter.empty() ? std::string::npos : key.find('/', prefix.size());
          end != std::string::npos) {
        folder = key.substr(0, end + 1);
        body += "<CommonPrefixes><Prefix>" + percent_encode(folder) + "</Prefix></CommonPrefixes>";
        continue;
      }
      body += "<Contents><Key>" + percent_encode(key) + "</Key><Size>" +
              std::to_string(object.first.size()) + "</Size></Contents>";
    }
    return {200,
            {},
            "<ListBucketResult><EncodingType>url</EncodingType>" + body + "</ListBucketResult>"};
  }
  HttpResponse put(const HttpRequest& request, const std::string& key) {
    if (auto refused = refuse(request, key)) return *refused;
    return keep(key, body_of(request), metadata(request));
  }
  std::optional<HttpResponse> refuse(const HttpRequest& request, const std::string& key) const {
    const bool once = !header(request.headers, "If-None-Match").empty();
    if (once && !conditional && !silent) return error(501, "NotImplemented");
    if (once && conditional && objects.count(key) > 0) return error(412, "PreconditionFailed");
    const std::string match = header(request.headers, "If-Match");
    const auto there = objects.find(key);
    if (!match.empty() && there == objects.end()) return error(404, "NoSuchKey");
    if (!match.empty() && match != etag_of(there->second.first))
      return error(412, "PreconditionFailed");
    return std::nullopt;
  }
  static Headers metadata(const HttpRequest& request) {
    Headers kept;
    for (const auto& [name, value] : request.headers)
      if (name.compare(0, 11, "x-amz-meta-") == 0) kept.emplace_back(name, value);
    return kept;
  }
  HttpResponse keep(const std::string& key, std::string bytes, Headers metadata) {
    objects[key] = {std::move(bytes), std::move(metadata)};
    HttpResponse response{200, {{"ETag", etag_of(objects[key].first)}}, ""};
    if (!versioned) return response;
    versions.push_back({key, "v" + std::to_string(calls), objects[key]});
    response.headers.emplace_back("x-amz-version-id", versions.back().id);
    return response;
  }
  HttpResponse remove(const std::string& key, const std::string& id) {
    objects.erase(key);
    if (!versioned) return {204, {}, ""};
    if (id.empty()) versions.push_back({key, "v" + std::to_string(calls), std::nullopt});
    versions.erase(
        std::remove_if(versions.begin(), versions.end(),
                       [&](const Version& each) { return each.key == key && each.id == id; }),
        versions.end());
    for (const Version& each : versions) {
      if (each.key != key) continue;
      objects.erase(key);
      if (each.object) objects[key] = *each.object;
    }
    return {204, {}, ""};
  }
  HttpResponse list_versions(const std::string& prefix) const {
    if (!versioned) return error(501, "NotImplemented");
    std::string body;
    for (const Version& each : versions) {
      if (each.key.compare(0, prefix.size(), prefix) != 0) continue;
      const std::string name = each.object ? "Version" : "DeleteMarker";
      body += "<" + name + "><Key>" + xml_escape(each.key) + "</Key><VersionId>" + each.id +
              "</VersionId></" + name + ">";
    }
    return {200, {}, "<ListVersionsResult>" + body + "</ListVersionsResult>"};
  }
  HttpResponse of_upload(const HttpRequest& request, const std::string& id) {
    const auto found = uploads.find(id);
    if (found == uploads.end()) return error(404, "NoSuchUpload");
    Upload& upload = found->second;
    if (request.method == "PUT") {
      const std::string bytes = body_of(request);
      upload.parts[std::stoi(query(request, "partNumber"))] = bytes;
      return {200, {{"ETag", etag_of(bytes)}}, ""};
    }
    if (request.method == "DELETE") {
      uploads.erase(found);
      return {204, {}, ""};
    }
    if (conditional_completion)
      if (auto refused = refuse(request, upload.key)) return *refused;
    std::string bytes;
    for (const auto& [number, part] : upload.parts) bytes += part;
    keep(upload.key, std::move(bytes), upload.metadata);
    uploads.erase(found);
    return {200, {}, "<R><ETag>e</ETag></R>"};
  }
  HttpResponse list_uploads(const std::string& prefix) const {
    std::string body;
    for (const auto& [id, upload] : uploads)
      if (upload.key.compare(0, prefix.size(), prefix) == 0)
        body += "<Upload><Key>" + xml_escape(upload.key) + "</Key><UploadId>" + id +
                "</UploadId><Initiated>" + begun + "</Initiated></Upload>";
    return {200, {}, "<ListMultipartUploadsResult>" + body + "</ListMultipartUploadsResult>"};
  }
  HttpResponse begin_upload(const HttpRequest& request, const std::string& key) {
    const std::string id = "upload-" + std::to_string(calls);
    uploads[id] = {key, metadata(request), {}};
    return {200, {}, "<R><UploadId>" + id + "</UploadId></R>"};
  }
  static HttpResponse ranged(const std::string& range, const Headers& headers,
                             const std::string& bytes) {
    const size_t dash = range.find('-');
    const auto first = std::stoul(range.substr(6)), last = std::stoul(range.substr(dash + 1));
    return {206, headers, bytes.substr(first, last - first + 1)};
  }
  HttpResponse answer(const HttpRequest& request) {
    const std::string path = *percent_decode(request.wire_path());
    const std::string key = path.substr(std::min(path.size(), path.find('/', 1) + 1));
    if (key.empty()) {
      for (const auto& [name, value] : request.query)
        if (name == "uploads") return list_uploads(query(request, "prefix"));
      for (const auto& [name, value] : request.query)
        if (name == "versions") return list_versions(query(request, "prefix"));
      return list(request);
    }
    if (const std::string id = query(request, "uploadId"); !id.empty())
      return of_upload(request, id);
    if (request.method == "POST") return begin_upload(request, key);
    if (request.method == "PUT") return put(request, key);
    if (request.method == "DELETE" && conditional && objects.count(key) > 0)
      if (auto refused = refuse(request, key)) return *refused;
    if (request.method == "DELETE") return remove(key, query(request, "versionId"));
    const auto found = objects.find(key);
    if (found == objects.end())
      return request.method == "HEAD" ? HttpResponse{404, {}, ""} : error(404, "NoSuchKey");
    const std::string& bytes = found->second.first;
    Headers headers = found->second.second;
    headers.emplace_back("ETag", etag_of(bytes));
    headers.emplace_back("Content-Length", std::to_string(bytes.size()));
    headers.emplace_back("Last-Modified", modified);
    if (const std::string range = header(request.headers, "Range"); !range.empty())
      return ranged(range, headers, bytes);
    return {200, headers, request.method == "HEAD" ? "" : bytes};
  }

  static constexpr size_t kPage = 3;
  std::mutex mutex_;
};

}  // namespace mnp::aws
