#include "aws/s3_session.hpp"

#include "aws/credentials_sources.hpp"
#include "aws/curl_transport.hpp"
#include "aws/s3_store.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {

bool is_s3(std::string_view place) {
  return starts_with(place, "s3://");
}

Result<S3> S3Session::s3() {
  const std::scoped_lock lock(mutex_);
  if (s3_) return *s3_;
  MNP_TRY(const auto settings, Settings::load(options_, process_variables()));
  auto transport = std::make_shared<CurlTransport>();
  MNP_TRY(S3 made,
          S3::create(settings, transport, default_credentials(settings, transport), &cancelled_));
  s3_ = made;
  return made;
}

Result<std::shared_ptr<Store>> S3Session::store(const std::string& place) {
  if (!is_s3(place)) return std::make_shared<FolderStore>(place);
  MNP_TRY(const S3Place root, S3Place::parse(place));
  MNP_TRY(const S3 made, s3());
  return std::make_shared<S3Store>(made, root);
}

Result<std::string> S3Session::read(const std::string& url) {
  MNP_TRY(const S3Place place, S3Place::parse(url));
  MNP_TRY(S3 made, s3());
  auto object = made.get(place);
  if (!object) return fail(store_error(object.error()));
  MNP_CHECK(compare_checksum(place, object->info, crc32c(object->bytes)));
  return std::move(object->bytes);
}

}  // namespace mnp::aws
