// Objects of S3, one call each. Source: Amazon S3 API Reference, 2006-03-01.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aws/client.hpp"
#include "aws/credentials.hpp"
#include "aws/settings.hpp"

namespace mnp::aws {

class XmlElement;

inline constexpr size_t kMaxKey = 1024;  // bytes; S3's own limit

struct S3Place {
  std::string bucket;
  std::string key;  // bytes; "" for the bucket itself

  std::string text() const { return "s3://" + bucket + "/" + key; }
  /// "s3://bucket/key"; kConfig says what is wrong with it.
  static Result<S3Place> parse(std::string_view url);
};

struct S3Info {
  uint64_t bytes = 0;  // of the whole object
  std::string etag;    // in quotes, as it came
  std::string version;
  double modified = 0;  // seconds since 1970
  Headers metadata;     // names without "x-amz-meta-", in lower case
};
/// Every object that we put carries the CRC-32C of its bytes (metadata "mnp-crc32c"): ETags of
/// multipart objects are no hashes.
Headers checksum_metadata(uint32_t crc);
/// With which it was put; 0 without.
uint32_t checksum_of(const S3Info& info);
/// kStore where an object was put with another checksum than its bytes have now; success where it
/// was put without one.
Status compare_checksum(const S3Place& from, const S3Info& info, uint32_t crc);

/// 16 hex digits that nobody else has drawn.
std::string random_nonce();
/// Whose object it is, when an answer was lost.
inline constexpr const char* kNonce = "mnp-nonce";

struct S3Object {
  S3Info info;
  std::string bytes;  // of the range
};
struct S3Range {
  uint64_t first = 0;
  uint64_t bytes = 0;
};
struct S3PutOptions {
  bool only_if_absent = false;  // kExists: there is one
  std::string only_if_etag;     // kExists: it is another; "" for any
  Headers metadata;
};

struct S3Listed {
  std::string key;
  uint64_t bytes = 0;
  std::string etag;
  double modified = 0;  // seconds since 1970
};
struct S3Page {
  std::vector<S3Listed> objects;
  std::vector<std::string> folders;  // common prefixes, where a delimiter was given
  std::string next;                  // of the next page; "" on the last
};
struct S3Version {
  std::string key;
  std::string version;
};
struct S3Upload {
  std::string key;
  std::string id;
  double begun = 0;
};
struct S3Part {
  int number = 0;  // 1 to 10,000
  std::string etag;
};

/// All calls may be made from any thread. Errors name the place; kNotFound, kDenied and kExists as
/// in api_error.hpp. A bucket in another region than the settings' is asked there, unless they name
/// an endpoint. Where the key of a get or head may just be missing, kDenied says so, too.
class S3 {
 public:
  /// `cancel` ends all calls where it is set. kConfig as of Settings.
  static Result<S3> create(const Settings& settings, std::shared_ptr<Transport> transport,
                           std::shared_ptr<CredentialsProvider> credentials,
                           const std::atomic<bool>* cancel = nullptr);

  /// The same, but that another flag ends its calls.
  S3 cancelled_by(const std::atomic<bool>& cancel) const {
    return {regions_, path_style_, &cancel};
  }
  bool cancelled() const { return cancel_ != nullptr && *cancel_; }

  ApiResult<S3Info> head(const S3Place& place);
  /// kExists: it has another ETag than `if_match` by now ("" for any).
  ApiResult<S3Object> get(const S3Place& place, std::optional<S3Range> range = {},
                          const std::string& if_match = "");
  /// The same, but that the bytes go to `sink`, and what it refuses is kStopped.
  ApiResult<S3Info> get_into(BodySink& sink, const S3Place& place, S3Range range,
                             const std::string& if_match);
  /// ETag and version.
  ApiResult<S3Info> put(const S3Place& place, std::string_view bytes,
                        const S3PutOptions& options = {});
  /// No error where there is none. `version`: "" for the newest. kExists: it has another ETag than
  /// `if_match` ("" for any); not every server looks.
  ApiStatus remove(const S3Place& place, const std::string& version = "",
                   const std::string& if_match = "");

  /// Keys that begin with the place's, in their order. `delimiter`: "" or "/". `from`:
  /// S3Page::next.
  ApiResult<S3Page> list(const S3Place& prefix, const std::string& delimiter = "",
                         const std::string& from = "");
  /// All pages.
  ApiStatus list_all(const S3Place& prefix, const std::function<void(S3Listed)>& each);
  /// Every version and delete marker of keys that begin with the place's.
  ApiResult<std::vector<S3Version>> versions(const S3Place& prefix);

  ApiResult<std::string> begin_upload(const S3Place& place, const Headers& metadata);
  ApiResult<S3Part> upload_part(const S3Place& place, const std::string& upload, int number,
                                BodySource& bytes);
  /// May take minutes. Of a failure nothing is known but by a look at the object.
  ApiResult<std::string> complete_upload(const S3Place& place, const std::string& upload,
                                         const std::vector<S3Part>& parts,
                                         const S3PutOptions& options = {});
  /// Also after a cancel; gives up soon.
  ApiStatus abort_upload(const S3Place& place, const std::string& upload);
  /// Uploads that nobody has completed, of keys that begin with the place's.
  ApiResult<std::vector<S3Upload>> uploads(const S3Place& prefix);

  Result<std::string> presigned_get(const S3Place& place, int expires_in);

 private:
  /// Where a bucket is asked, and by whom: a signature names the region.
  struct Region {
    EndpointOptions endpoint;
    std::shared_ptr<Client> client;
  };
  struct Regions {
    std::function<Region(const std::string& name)> make;
    Region home;  // the settings'
    std::mutex mutex;
    std::map<std::string, Region> of_bucket;  // that have said that they lie elsewhere
    std::set<std::string> with_md5;           // buckets that take nothing without it
  };
  S3(std::shared_ptr<Regions> regions, bool path_style, const std::atomic<bool>* cancel)
      : regions_(std::move(regions)), path_style_(path_style), cancel_(cancel) {}
  Region region_of(const std::string& bucket) const;
  /// True: it lies in another region than the one that was asked, and is asked there from now on.
  bool is_elsewhere(const std::string& bucket, const Region& asked, ApiError& error) const;
  static ApiError no_sense(const S3Place& place, const std::string& what);
  /// All pages of a listing that goes on by two markers: `what` in the query, `id_marker` of them.
  ApiStatus list_by_markers(const S3Place& prefix, const std::string& what,
                            const std::string& id_marker, const std::vector<const char*>& names,
                            const std::function<void(std::string key, const XmlElement&)>& each);
  Result<HttpRequest> request(const std::string& method, const S3Place& place) const;
  /// The answer holds as many bytes as the range, or went into the sink.
  ApiResult<HttpResponse> fetch(const S3Place& place, std::optional<S3Range> range,
                                const std::string& if_match, BodySink* sink);
  ApiResult<HttpResponse> call(HttpRequest request, const S3Place& place, uint64_t expected = 0,
                               bool completes = false);

  std::shared_ptr<Regions> regions_;
  bool path_style_;
  const std::atomic<bool>* cancel_;
};

}  // namespace mnp::aws
