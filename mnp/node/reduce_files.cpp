#include "mnp/node/reduce_files.hpp"

#include "aws/crew.hpp"
#include "aws/s3_transfer.hpp"

namespace mnp::node {
namespace {

constexpr size_t kAtOnce = 8;  // files that are fetched

tl::unexpected<Error> store_failed(const Error& error) {
  return fail(Code::kStore, error.text);
}

}  // namespace

fs::path ReduceFiles::file(const std::string& key) const {
  return context_.in_s3() ? context_.scratch.reduced() / key : context_.path(key);
}

Status ReduceFiles::bring(const std::vector<std::string>& keys) const {
  if (!context_.in_s3()) return {};
  aws::S3Store& store = *context_.bucket;
  aws::Crew crew(kAtOnce);
  for (const std::string& key : keys)
    crew.add([&, this]() -> Status {
      std::error_code error;
      if (fs::exists(file(key), error)) return {};  // whole, of an earlier try
      aws::TransferOptions options;
      options.threads = 2;  // many files are under way
      return aws::S3Transfer(store.s3(), options).download_file(store.at(key), file(key));
    });
  const Status done = crew.finish();
  if (done) return {};
  if (done.error().code != Code::kIo) return store_failed(done.error());
  return fail(done.error().within("arrays to reduce are copied to TMPDIR"));
}

void ReduceFiles::drop(const std::vector<std::string>& keys) const {
  if (!context_.in_s3()) return;
  for (const std::string& key : keys) {
    std::error_code error;
    fs::remove(file(key), error);
  }
}

fs::path ReduceFiles::target(const std::string& path) const {
  return file(context_.keys().results() + "/" + path);
}

Result<model::ResultFile> ReduceFiles::publish(const std::string& path) const {
  model::ResultFile file;
  file.path = path;
  const fs::path written = target(path);
  if (context_.in_s3()) {
    const aws::S3Place place = context_.bucket->at(context_.keys().results() + "/" + path);
    const auto sent = aws::S3Transfer(context_.bucket->s3(), {}).upload_file(written, place);
    if (!sent) return store_failed(sent.error());
    file.bytes = sent->bytes;
    file.crc32c = sent->crc32c;
    std::error_code error;
    fs::remove(written, error);
    return file;
  }
  const auto sum = checksum_of_file(written);
  if (!sum) return store_failed(sum.error());
  file.bytes = sum->bytes;
  file.crc32c = sum->crc32c;
  std::error_code error;
  fs::permissions(written, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read,
                  error);
  return file;
}

}  // namespace mnp::node
