// What lies in a bucket: objects, versions, unfinished uploads.
#include <algorithm>

#include <fmt/format.h>

#include "aws/credentials_document.hpp"
#include "aws/s3.hpp"
#include "aws/xml.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

ApiError no_sense(const S3Place& place, const std::string& what) {
  ApiError error;
  error.code = Code::kProtocol;
  error.text = fmt::format("{}: the answer makes no sense: {}", place.text(), what);
  return error;
}

ApiResult<XmlDocument> parse(const ApiResult<HttpResponse>& answer, const S3Place& place) {
  if (!answer) return fail(answer.error());
  auto document = XmlDocument::parse(answer->body);
  if (!document) return fail(no_sense(place, document.error().text));
  return std::move(*document);
}

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

uint64_t number_of(const std::string& text) {
  const auto number = parse_integer(text);
  return number && *number >= 0 ? static_cast<uint64_t>(*number) : 0;
}

/// Asks for page after page. `page` adds what an answer holds and says where the next begins, as
/// pairs of the query; none: that was the last.
template <class Page>
ApiStatus all_pages(const Query& first, const Page& page) {
  Query next = first;
  for (;;) {
    auto more = page(next);
    if (!more) return fail(more.error());
    if (more->empty()) return {};
    next = first;
    next.insert(next.end(), more->begin(), more->end());
  }
}

}  // namespace

ApiResult<S3Page> S3::list(const S3Place& prefix, const std::string& delimiter,
                           const std::string& from) {
  auto made = request("GET", {prefix.bucket, ""});
  if (!made) return fail(ApiError{made.error(), 0, "", ""});
  made->query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix.key}};
  if (!delimiter.empty()) made->query.emplace_back("delimiter", delimiter);
  if (!from.empty()) made->query.emplace_back("continuation-token", from);
  const auto document = parse(call(*made, prefix), prefix);
  if (!document) return fail(document.error());
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

ApiResult<std::vector<S3Version>> S3::versions(const S3Place& prefix) {
  std::vector<S3Version> found;
  const auto page = [&](const Query& query) -> ApiResult<Query> {
    auto made = request("GET", {prefix.bucket, ""});
    if (!made) return fail(ApiError{made.error(), 0, "", ""});
    made->query = query;
    const auto document = parse(call(*made, prefix), prefix);
    if (!document) return fail(document.error());
    const XmlElement root = document->root();
    const KeyDecoder decode(root);
    Status status;
    for (const char* name : {"Version", "DeleteMarker"})
      root.for_each(name, [&](const XmlElement& element) {
        auto key = decode(element.text("Key"));
        if (key)
          found.push_back({std::move(*key), element.text("VersionId")});
        else
          status = fail(key.error());
      });
    if (!status) return fail(no_sense(prefix, status.error().text));
    if (root.text("IsTruncated") != "true") return Query();
    const auto marker = decode(root.text("NextKeyMarker"));
    if (!marker || marker->empty()) return fail(no_sense(prefix, "no NextKeyMarker"));
    return Query{{"key-marker", *marker}, {"version-id-marker", root.text("NextVersionIdMarker")}};
  };
  const auto all =
      all_pages({{"versions", ""}, {"encoding-type", "url"}, {"prefix", prefix.key}}, page);
  if (!all) return fail(all.error());
  return found;
}

ApiResult<std::vector<S3Upload>> S3::uploads(const S3Place& prefix) {
  std::vector<S3Upload> found;
  const auto page = [&](const Query& query) -> ApiResult<Query> {
    auto made = request("GET", {prefix.bucket, ""});
    if (!made) return fail(ApiError{made.error(), 0, "", ""});
    made->query = query;
    const auto document = parse(call(*made, prefix), prefix);
    if (!document) return fail(document.error());
    const XmlElement root = document->root();
    const KeyDecoder decode(root);
    Status status;
    root.for_each("Upload", [&](const XmlElement& element) {
      auto key = decode(element.text("Key"));
      if (key)
        found.push_back({std::move(*key), element.text("UploadId"),
                         iso_time(element.text("Initiated")).value_or(0)});
      else
        status = fail(key.error());
    });
    if (!status) return fail(no_sense(prefix, status.error().text));
    if (root.text("IsTruncated") != "true") return Query();
    const auto marker = decode(root.text("NextKeyMarker"));
    if (!marker || marker->empty()) return fail(no_sense(prefix, "no NextKeyMarker"));
    return Query{{"key-marker", *marker}, {"upload-id-marker", root.text("NextUploadIdMarker")}};
  };
  const auto all =
      all_pages({{"uploads", ""}, {"encoding-type", "url"}, {"prefix", prefix.key}}, page);
  if (!all) return fail(all.error());
  return found;
}

}  // namespace mnp::aws
