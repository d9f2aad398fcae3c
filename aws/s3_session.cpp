#include "aws/s3_session.hpp"

#include "aws/account.hpp"
#include "aws/s3_store.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {

bool is_s3(std::string_view place) {
  return starts_with(place, "s3://");
}

Result<S3> S3Session::s3() {
  const std::scoped_lock lock(mutex_);
  if (s3_) return *s3_;
  MNP_TRY(const Account account, Account::open(options_, process_variables()));
  MNP_TRY(S3 made,
          S3::create(account.settings, account.transport, account.credentials, &cancelled_));
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
