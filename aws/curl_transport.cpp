#include "aws/curl_transport.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kMaxIdle = 64;                // handles with their open connections
constexpr long kBuffer = 256 << 10;            // bytes of one read
constexpr uint64_t kMostReserved = 64 << 20;   // for a body that is announced
constexpr uint64_t kMaxHeaderBytes = 1 << 20;  // of one response
// Where no byte comes for minutes (HttpLimits::stall) a server that is gone is noticed, and no NAT
// forgets the connection.
constexpr long kProbeAfter = 20, kProbeEvery = 10;  // seconds

struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// What a response becomes while it arrives.
struct Arriving {
  HttpResponse response;
  uint64_t limit = 0;
  uint64_t header_bytes = 0;
  bool too_long = false;
  bool has_body = true;
  BodySink* sink = nullptr;
  bool refused = false;  // by the sink
  CURL* easy = nullptr;
  const std::atomic<bool>* cancel = nullptr;

  bool to_sink() const { return sink != nullptr && status() < 300; }
  int status() const {
    long now = 0;
    ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &now);
    return static_cast<int>(now);
  }
};

/// What a request's source has left to send.
struct Leaving {
  BodySource* source;
  uint64_t at = 0;
};

size_t give_body(char* to, size_t, size_t size, void* of) {
  auto& leaving = *static_cast<Leaving*>(of);
  const auto n = static_cast<size_t>(std::min<uint64_t>(size, leaving.source->size() - leaving.at));
  if (n > 0 && !leaving.source->read(leaving.at, {to, n})) return CURL_READFUNC_ABORT;
  leaving.at += n;
  return n;
}

/// Where a connection that was kept turns out to be closed, it begins again.
int begin_body_again(void* of, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  static_cast<Leaving*>(of)->at = 0;
  return CURL_SEEKFUNC_OK;
}

size_t take_body(char* bytes, size_t, size_t size, void* to) {
  auto& arriving = *static_cast<Arriving*>(to);
  if (arriving.response.body.size() + arriving.response.sunk + size > arriving.limit) {
    arriving.too_long = true;
    return 0;
  }
  if (arriving.to_sink()) {
    arriving.refused = !arriving.sink->take({bytes, size});
    arriving.response.sunk += size;
    return arriving.refused ? 0 : size;
  }
  arriving.response.body.append(bytes, size);
  return size;
}

void expect_body(Arriving& arriving) {
  if (arriving.to_sink()) return arriving.sink->begin();
  const auto length = parse_integer(header(arriving.response.headers, "Content-Length"));
  if (length && *length > 0)
    arriving.response.body.reserve(
        std::min({static_cast<uint64_t>(*length), arriving.limit, kMostReserved}));
}

size_t take_header(char* bytes, size_t, size_t size, void* to) {
  auto& arriving = *static_cast<Arriving*>(to);
  const std::string_view line = trim(std::string_view(bytes, size));
  arriving.header_bytes += size;
  if (arriving.header_bytes > kMaxHeaderBytes) {
    arriving.too_long = true;
    return 0;
  }
  if (starts_with(line, "HTTP/")) arriving.response.headers.clear();  // after a 100
  const size_t colon = line.find(':');
  if (line.empty() && arriving.has_body) expect_body(arriving);
  if (colon == std::string_view::npos) return size;
  arriving.response.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  return size;
}

int look_for_cancel(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancel = static_cast<const Arriving*>(of)->cancel;
  return cancel != nullptr && *cancel ? 1 : 0;
}

HeaderList header_list(const HttpRequest& request) {
  HeaderList list;
  const auto add = [&list](const std::string& line) {
    auto* longer = ::curl_slist_append(list.get(), line.c_str());
    MNP_ASSERT(longer != nullptr, "no memory for a header");
    (void)list.release();
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers)
    add(value.empty() ? name + ";" : name + ": " + value);
  add("Expect:");  // no waiting for a 100
  if (header(request.headers, "Content-Type").empty()) add("Content-Type:");
  return list;
}

/// Addresses of this machine and of its cloud's own services: no proxy reaches those.
bool is_near(const std::string& host) {
  return host == "localhost" || starts_with(host, "127.") || starts_with(host, "169.254.") ||
         starts_with(host, "[fd00:ec2:") || host == "[::1]";
}

tl::unexpected<Error> curl_error(CURLcode code, const HttpRequest& request,
                                 const Arriving& arriving, const char* detail) {
  const std::string where = request.endpoint.authority();
  if (arriving.too_long)
    return fail(Code::kProtocol,
                fmt::format("{} answers with more than {}", where, format_bytes(arriving.limit)));
  if (arriving.refused || code == CURLE_ABORTED_BY_CALLBACK)
    return fail(Code::kStopped, where + ": cancelled");
  const std::string text =
      fmt::format("{}: {}", where, *detail != '\0' ? detail : ::curl_easy_strerror(code));
  if (code == CURLE_COULDNT_CONNECT) return fail(Code::kClosed, text);
  return fail(code == CURLE_OPERATION_TIMEDOUT ? Code::kTimeout : Code::kIo, text);
}

void initialise_once() {
  static const CURLcode done = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  MNP_ASSERT(done == CURLE_OK, "libcurl cannot be initialised");
}

}  // namespace

struct CurlTransport::Handle {
  Handle() : easy(::curl_easy_init()) {
    MNP_ASSERT(easy != nullptr, "libcurl has no memory for a handle");
  }
  ~Handle() { ::curl_easy_cleanup(easy); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode done = ::curl_easy_setopt(easy, option, value);
    MNP_ASSERT(done == CURLE_OK, ::curl_easy_strerror(done));
  }
  void set_request(const HttpRequest& request);
  void set_limits(const HttpLimits& limits);

  CURL* easy;
  std::array<char, CURL_ERROR_SIZE> detail{};
};

void CurlTransport::Handle::set_request(const HttpRequest& request) {
  set(CURLOPT_URL, request.url().c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (is_near(request.endpoint.host)) set(CURLOPT_NOPROXY, "*");
  if (request.once) set(CURLOPT_FRESH_CONNECT, 1L);
  const bool sends = !request.body.empty() || request.method == "PUT" || request.method == "POST";
  if (request.source != nullptr) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.source->size()));
  } else if (sends) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
  } else if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  }
  if (request.method != "HEAD") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void CurlTransport::Handle::set_limits(const HttpLimits& limits) {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.whole.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(limits.stall.count() / 1000)));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, kProbeAfter);
  set(CURLOPT_TCP_KEEPINTVL, kProbeEvery);
  set(CURLOPT_BUFFERSIZE, kBuffer);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kBuffer);
}

CurlTransport::CurlTransport(std::string ca_bundle) : ca_bundle_(std::move(ca_bundle)) {
  initialise_once();
}

CurlTransport::~CurlTransport() = default;

std::unique_ptr<CurlTransport::Handle> CurlTransport::take() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void CurlTransport::give_back(std::unique_ptr<Handle> handle) {
  ::curl_easy_reset(handle->easy);  // its connections stay
  const std::scoped_lock lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(handle));
}

Result<HttpResponse> CurlTransport::send(const HttpRequest& request, const HttpLimits& limits,
                                         const std::atomic<bool>* cancel) {
  std::unique_ptr<Handle> handle = take();
  handle->detail[0] = '\0';
  handle->set_request(request);
  handle->set_limits(limits);
  const HeaderList headers = header_list(request);
  Arriving arriving;
  arriving.limit = limits.body;
  arriving.has_body = request.method != "HEAD";
  arriving.sink = request.sink;
  arriving.easy = handle->easy;
  arriving.cancel = cancel;
  Leaving leaving{request.source};
  if (request.source != nullptr) {
    handle->set(CURLOPT_READFUNCTION, &give_body);
    handle->set(CURLOPT_READDATA, &leaving);
    handle->set(CURLOPT_SEEKFUNCTION, &begin_body_again);
    handle->set(CURLOPT_SEEKDATA, &leaving);
  }
  handle->set(CURLOPT_HTTPHEADER, headers.get());
  handle->set(CURLOPT_NOSIGNAL, 1L);
  handle->set(CURLOPT_ERRORBUFFER, handle->detail.data());
  handle->set(CURLOPT_WRITEFUNCTION, &take_body);
  handle->set(CURLOPT_WRITEDATA, &arriving);
  handle->set(CURLOPT_HEADERFUNCTION, &take_header);
  handle->set(CURLOPT_HEADERDATA, &arriving);
  handle->set(CURLOPT_NOPROGRESS, 0L);
  handle->set(CURLOPT_XFERINFOFUNCTION, &look_for_cancel);
  handle->set(CURLOPT_XFERINFODATA, &arriving);
  if (!ca_bundle_.empty()) handle->set(CURLOPT_CAINFO, ca_bundle_.c_str());
  const CURLcode code = ::curl_easy_perform(handle->easy);
  if (code != CURLE_OK) return curl_error(code, request, arriving, handle->detail.data());
  arriving.response.status = arriving.status();
  give_back(std::move(handle));
  return std::move(arriving.response);
}

}  // namespace mnp::aws
