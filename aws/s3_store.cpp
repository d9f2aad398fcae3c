#include "aws/s3_store.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "aws/crew.hpp"
#include "aws/s3_transfer.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr size_t kRemovers = 16;  // objects are removed so many at once

tl::unexpected<Error> as_store_error(const Error& error) {
  return fail(store_error(error));
}

Headers metadata(std::string_view bytes, const std::string& nonce) {
  Headers headers = checksum_metadata(crc32c(bytes));
  if (!nonce.empty()) headers.emplace_back(kNonce, nonce);
  return headers;
}

}  // namespace

Error store_error(const Error& error) {
  const bool told = error.code == Code::kNotFound || error.code == Code::kExists ||
                    error.code == Code::kStopped || error.code == Code::kConfig ||
                    error.code == Code::kIo;
  const Code otherwise = error.code == Code::kDenied ? Code::kConfig : Code::kStore;
  return {told ? error.code : otherwise, error.text};
}

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
  const std::string probe = ".mnp-probe-" + random_nonce();
  S3PutOptions options;
  options.only_if_absent = true;
  std::vector<std::string> versions;
  ApiResult<S3Info> put;
  for (int i = 0; i < 2 && put; ++i)
    if (put = s3_.put(at(probe), "", options); put) versions.push_back(put->version);
  const bool refuses = !put && put.error().code == Code::kExists;
  if (!versions.empty())
    (void)remove_object(at(probe), versions);
  else if (refuses)
    (void)remove(probe);  // an answer was lost
  if (!put && !refuses && put.error().status != 501) return as_store_error(put.error());
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

Status S3Store::put_file(const std::string& key, const fs::path& from) {
  const auto put = S3Transfer(s3_, {}).upload_file(from, at(key));
  if (!put) return as_store_error(put.error());
  return {};
}

Result<std::string> S3Store::get(const std::string& key) {
  auto object = s3_.get(at(key));
  if (!object) return as_store_error(object.error());
  MNP_CHECK(compare_checksum(at(key), object->info, crc32c(object->bytes)));
  return std::move(object->bytes);
}

Status S3Store::put_secret(const std::string& key, std::string_view bytes) {
  return put_new(key, bytes);
}

Result<StoredFile> S3Store::file(const std::string& key) {
  MNP_TRY(TemporaryFolder folder, TemporaryFolder::create("mnp-object-"));
  const fs::path path = folder.path() / "object";
  if (auto done = S3Transfer(s3_, {}).download_file(at(key), path); !done)
    return as_store_error(done.error());
  return StoredFile{path, std::make_shared<TemporaryFolder>(std::move(folder))};
}

Result<double> S3Store::modified(const std::string& key) {
  const auto info = s3_.head(at(key));
  if (!info) return as_store_error(info.error());
  return info->modified;
}

Status S3Store::each_below(const std::string& prefix, const std::function<void(S3Listed)>& each) {
  const size_t root = root_.key.empty() ? 0 : root_.key.size() + 1;
  const auto listed = s3_.list_all(at(prefix + "/"), [&](S3Listed object) {
    object.key.erase(0, root);
    each(std::move(object));
  });
  if (!listed) return as_store_error(listed.error());
  return {};
}

Result<std::vector<std::string>> S3Store::list(const std::string& prefix) {
  std::vector<std::string> keys;
  MNP_CHECK(each_below(prefix, [&](S3Listed object) { keys.push_back(std::move(object.key)); }));
  std::sort(keys.begin(), keys.end());
  return keys;
}

Result<std::map<std::string, uint64_t>> S3Store::sizes(const std::string& prefix) {
  std::map<std::string, uint64_t> sizes;
  MNP_CHECK(each_below(prefix, [&](S3Listed object) {
    sizes.emplace_hint(sizes.end(), std::move(object.key), object.bytes);
  }));
  return sizes;
}

Result<std::vector<std::string>> S3Store::names(const std::string& prefix) {
  const S3Place place = at(prefix + "/");
  std::set<std::string> names;
  std::string from;
  do {
    auto page = s3_.list(place, "/", from);
    if (!page) return as_store_error(page.error());
    for (const S3Listed& object : page->objects) names.insert(object.key.substr(place.key.size()));
    for (const std::string& folder : page->folders)
      names.insert(folder.substr(place.key.size(), folder.size() - place.key.size() - 1));
    from = page->next;
  } while (!from.empty());
  return std::vector<std::string>(names.begin(), names.end());
}

/// Where versions may not be removed, the newest is hidden. Without `versions`: likewise.
Status S3Store::remove_object(const S3Place& place, const std::vector<std::string>& versions) {
  for (const std::string& version : versions) {
    const auto removed = s3_.remove(place, version);
    if (removed) continue;
    if (removed.error().code != Code::kDenied) return as_store_error(removed.error());
    if (!denied_.exchange(true))
      log::warning("versions may be left, s3:DeleteObjectVersion is needed: {}",
                   removed.error().text);
    return remove_object(place, {});
  }
  if (!versions.empty()) return {};
  const auto removed = s3_.remove(place);
  if (!removed) return as_store_error(removed.error());
  return {};
}

/// Of each key that begins so. nullopt: the server does not say.
std::optional<S3Store::Versions> S3Store::versions(const S3Place& prefix) {
  const auto listed = s3_.versions(prefix);
  if (!listed && listed.error().status != 501)
    log::warning("older versions may be left: {}", listed.error().text);
  if (!listed) return std::nullopt;
  Versions versions;
  for (const S3Version& each : *listed) versions[each.key].push_back(each.version);
  return versions;
}

Status S3Store::remove(const std::string& key) {
  const S3Place place = at(key);
  auto found = versions(place);
  if (found && found->count(place.key) > 0) return remove_object(place, (*found)[place.key]);
  // Where none is there, another delete would leave a marker.
  if (const auto there = s3_.head(place); !there && there.error().code == Code::kNotFound)
    return {};
  return remove_object(place, {});
}

/// Not where they may not be listed, or cannot.
Status S3Store::abort_uploads(const S3Place& prefix) {
  const auto uploads = s3_.uploads(prefix);
  if (!uploads && uploads.error().code == Code::kDenied)
    log::warning("unfinished uploads may be left, s3:ListBucketMultipartUploads is needed: {}",
                 uploads.error().text);
  if (!uploads) return {};
  for (const S3Upload& each : *uploads)
    if (auto aborted = s3_.abort_upload({prefix.bucket, each.key}, each.id); !aborted)
      return as_store_error(aborted.error());
  return {};
}

Status S3Store::remove_below(const std::string& prefix) {
  const S3Place place = at(prefix + "/");
  MNP_CHECK(abort_uploads(place));
  Versions doomed = versions(place).value_or(Versions());
  MNP_CHECK(each_below(prefix, [&](const S3Listed& object) { doomed[at(object.key).key]; }));
  Crew crew(kRemovers);
  for (const auto& [key, found] : doomed)
    crew.add([this, where = S3Place{place.bucket, key}, &versions = found] {
      return remove_object(where, versions);
    });
  return crew.finish();
}

}  // namespace mnp::aws
