// What lies in a bucket: objects, versions, unfinished uploads.
#include <algorithm>

#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/s3.hpp"
#include "aws/xml.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

/// Keys as the answer encodes them: a '+' is a blank there.
class KeyDecoder {
 public:
  explicit KeyDecoder(const XmlElement& root) : encoded_(root.text("EncodingType") == "url") {}
  Result<std::string> operator()(std::string text) const {
    if (!encoded_) return text;
    std::replace(text.begin(), text.end(), '+', ' ');
    return percent_decode(text);
  }

 private:
  const bool encoded_;
};

/// Whatever else answers in the place of S3, with status 200 too, is no empty listing.
Result<XmlDocument> parse_listing(const std::string& body, std::string_view root) {
  MNP_TRY(XmlDocument document, XmlDocument::parse(body));
  if (const auto name = document.root().name(); name != root)
    return fail(Code::kProtocol, fmt::format("it is a {}, not a {}", name, root));
  return document;
}

uint64_t number_of(const std::string& text) {
  const auto number = parse_integer(text);
  return number && *number >= 0 ? static_cast<uint64_t>(*number) : 0;
}

}  // namespace

ApiResult<S3Page> S3::list(const S3Place& prefix, const std::string& delimiter,
                           const std::string& from) {
  auto made = request("GET", {prefix.bucket, ""});
  if (!made) return fail(as_api_error(made.error()));
  made->query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix.key}};
  if (!delimiter.empty()) made->query.emplace_back("delimiter", delimiter);
  if (!from.empty()) made->query.emplace_back("continuation-token", from);
  const auto answer = call(*made, prefix);
  if (!answer) return fail(answer.error());
  const auto document = parse_listing(answer->body, "ListBucketResult");
  if (!document) return fail(no_sense(prefix, document.error().text));
  const XmlElement root = document->root();
  const KeyDecoder decode(root);
  S3Page page;
  Status status;
  root.for_each("Contents", [&](const XmlElement& element) {
    auto key = decode(element.text("Key"));
    if (!key) {
      status = fail(key.error());
      return;
    }
    page.objects.push_back({std::move(*key), number_of(element.text("Size")), element.text("ETag"),
                            iso_time(element.text("LastModified")).value_or(0)});
  });
  root.for_each("CommonPrefixes", [&](const XmlElement& element) {
    auto key = decode(element.text("Prefix"));
    if (key)
      page.folders.push_back(std::move(*key));
    else
      status = fail(key.error());
  });
  if (!status) return fail(no_sense(prefix, status.error().text));
  if (root.text("IsTruncated") == "true") {
    page.next = root.text("NextContinuationToken");
    if (page.next.empty() || page.next == from)
      return fail(no_sense(prefix, "it is cut, and nothing says where the next begins"));
  }
  return page;
}

ApiStatus S3::list_all(const S3Place& prefix, const std::function<void(S3Listed)>& each) {
  std::string from;
  do {
    auto page = list(prefix, "", from);
    if (!page) return fail(page.error());
    for (S3Listed& object : page->objects) each(std::move(object));
    from = page->next;
  } while (!from.empty());
  return {};
}

ApiStatus S3::list_by_markers(const S3Place& prefix, const std::string& what,
                              const std::string& id_marker, const std::vector<const char*>& names,
                              const std::function<void(std::string key, const XmlElement&)>& each) {
  const Query first = {{what, ""}, {"encoding-type", "url"}, {"prefix", prefix.key}};
  std::string last_key, last_id;
  for (bool more = true; more;) {
    auto made = request("GET", {prefix.bucket, ""});
    if (!made) return fail(as_api_error(made.error()));
    made->query = first;
    if (!last_key.empty()) {
      made->query.emplace_back("key-marker", last_key);
      made->query.emplace_back(id_marker, last_id);
    }
    const auto answer = call(*made, prefix);
    if (!answer) return fail(answer.error());
    const auto document = parse_listing(
        answer->body, what == "versions" ? "ListVersionsResult" : "ListMultipartUploadsResult");
    if (!document) return fail(no_sense(prefix, document.error().text));
    const XmlElement root = document->root();
    const KeyDecoder decode(root);
    Status status;
    for (const char* name : names)
      root.for_each(name, [&](const XmlElement& element) {
        auto key = decode(element.text("Key"));
        if (key)
          each(std::move(*key), element);
        else
          status = fail(key.error());
      });
    if (!status) return fail(no_sense(prefix, status.error().text));
    more = root.text("IsTruncated") == "true";
    const auto marker = decode(root.text("NextKeyMarker"));
    const std::string id =
        root.text(what == "versions" ? "NextVersionIdMarker" : "NextUploadIdMarker");
    if (more && (!marker || marker->empty() || (*marker == last_key && id == last_id)))
      return fail(no_sense(prefix, "it is cut, and nothing says where the next begins"));
    if (more) last_key = *marker, last_id = id;
  }
  return {};
}

ApiResult<std::vector<S3Version>> S3::versions(const S3Place& prefix) {
  std::vector<S3Version> found;
  const auto listed =
      list_by_markers(prefix, "versions", "version-id-marker", {"Version", "DeleteMarker"},
                      [&](std::string key, const XmlElement& element) {
                        found.push_back({std::move(key), element.text("VersionId")});
                      });
  if (!listed) return fail(listed.error());
  return found;
}

ApiResult<std::vector<S3Upload>> S3::uploads(const S3Place& prefix) {
  std::vector<S3Upload> found;
  const auto listed =
      list_by_markers(prefix, "uploads", "upload-id-marker", {"Upload"},
                      [&](std::string key, const XmlElement& element) {
                        found.push_back({std::move(key), element.text("UploadId"),
                                         iso_time(element.text("Initiated")).value_or(0)});
                      });
  if (!listed) return fail(listed.error());
  return found;
}

}  // namespace mnp::aws
