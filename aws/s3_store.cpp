#include "aws/s3_store.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kNonce = "mnp-nonce";  // whose object it is, when an answer was lost

std::string random_nonce() {
  std::random_device random;
  return hex64(uint64_t{random()} << 32 | random());
}

/// What is neither there nor surely absent is not known.
tl::unexpected<Error> as_store_error(const ApiError& error) {
  const bool told = error.code == Code::kNotFound || error.code == Code::kExists ||
                    error.code == Code::kStopped || error.code == Code::kConfig;
  return fail(told ? error.code : Code::kStore, error.text);
}

Headers metadata(std::string_view bytes, const std::string& nonce) {
  Headers headers = checksum_metadata(crc32c(bytes));
  if (!nonce.empty()) headers.emplace_back(kNonce, nonce);
  return headers;
}

}  // namespace

S3Store::S3Store(S3 s3, S3Place root)
    : sleep([](Milliseconds time) { std::this_thread::sleep_for(time); }),
      s3_(std::move(s3)),
      root_(std::move(root)) {
  while (!root_.key.empty() && root_.key.back() == '/') root_.key.pop_back();
}

S3Place S3Store::at(const std::string& key) const {
  return {root_.bucket, root_.key.empty() ? key : root_.key + "/" + key};
}

Result<bool> S3Store::can_put_if_absent() {
  const std::scoped_lock lock(mutex_);
  if (conditional_) return *conditional_;
  const S3Place probe = at(".mnp-probe-" + random_nonce());
  S3PutOptions options;
  options.only_if_absent = true;
  bool refuses = false;
  for (int i = 0; i < 2; ++i) {
    const auto put = s3_.put(probe, "", options);
    refuses = !put && put.error().code == Code::kExists;
    if (!put && put.error().status == 501) break;
    if (!put && !refuses) return as_store_error(put.error());
  }
  (void)s3_.remove(probe);
  if (!refuses)
    log::warning(
        "{} cannot put an object only if it is absent: two main nodes are told apart less "
        "surely there",
        at("").text());
  conditional_ = refuses;
  return refuses;
}

Result<bool> S3Store::is_ours(const S3Place& place, const std::string& nonce) {
  const auto info = s3_.head(place);
  if (info) return header(info->metadata, kNonce) == nonce;
  if (info.error().code == Code::kNotFound) return false;
  return as_store_error(info.error());
}

Status S3Store::put_conditionally(const S3Place& place, std::string_view bytes,
                                  const std::string& nonce) {
  S3PutOptions options;
  options.only_if_absent = true;
  options.metadata = metadata(bytes, nonce);
  const auto put = s3_.put(place, bytes, options);
  if (put) return {};
  if (put.error().code != Code::kExists) return as_store_error(put.error());
  MNP_TRY(const bool ours, is_ours(place, nonce));
  return ours ? Status() : as_store_error(put.error());
}

Status S3Store::put_and_look(const S3Place& place, std::string_view bytes,
                             const std::string& nonce) {
  const auto there = s3_.head(place);
  if (there) return fail(Code::kExists, place.text() + " is there already");
  if (there.error().code != Code::kNotFound) return as_store_error(there.error());
  S3PutOptions options;
  options.metadata = metadata(bytes, nonce);
  const auto put = s3_.put(place, bytes, options);
  if (!put) return as_store_error(put.error());
  sleep(kSettle);
  MNP_TRY(const bool ours, is_ours(place, nonce));
  if (ours) return {};
  return fail(Code::kExists, place.text() + " was written by another at the same time");
}

Status S3Store::put_new(const std::string& key, std::string_view bytes) {
  MNP_TRY(const bool conditional, can_put_if_absent());
  const std::string nonce = random_nonce();
  return conditional ? put_conditionally(at(key), bytes, nonce)
                     : put_and_look(at(key), bytes, nonce);
}

Status S3Store::put(const std::string& key, std::string_view bytes) {
  S3PutOptions options;
  options.metadata = metadata(bytes, "");
  const auto put = s3_.put(at(key), bytes, options);
  if (!put) return as_store_error(put.error());
  return {};
}

Result<std::string> S3Store::get(const std::string& key) {
  auto object = s3_.get(at(key));
  if (!object) return as_store_error(object.error());
  MNP_CHECK(compare_checksum(at(key), object->info, crc32c(object->bytes)));
  return std::move(object->bytes);
}

Result<uint64_t> S3Store::size(const std::string& key) {
  const auto info = s3_.head(at(key));
  if (!info) return as_store_error(info.error());
  return info->bytes;
}

Result<std::vector<std::string>> S3Store::list(const std::string& prefix) {
  std::vector<std::string> keys;
  const size_t root = root_.key.empty() ? 0 : root_.key.size() + 1;
  const auto listed = s3_.list_all(
      at(prefix + "/"), [&](S3Listed object) { keys.push_back(object.key.substr(root)); });
  if (!listed) return as_store_error(listed.error());
  std::sort(keys.begin(), keys.end());
  return keys;
}

Status S3Store::remove(const std::string& key) {
  const S3Place place = at(key);
  const auto versions = s3_.versions(place);
  if (versions)
    for (const S3Version& version : *versions) {
      if (version.key != place.key || version.version == "null") continue;
      const auto removed = s3_.remove(place, version.version);
      if (!removed) return as_store_error(removed.error());
    }
  if (!versions && versions.error().status != 501)
    log::warning("older versions may be left: {}", versions.error().text);
  const auto removed = s3_.remove(place);
  if (!removed) return as_store_error(removed.error());
  return {};
}

}  // namespace mnp::aws
