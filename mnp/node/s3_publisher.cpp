#include "mnp/node/s3_publisher.hpp"

#include <cstdlib>
#include <deque>
#include <mutex>

#include <fmt/format.h>

#include "aws/crew.hpp"
#include "mnp/core/glob.hpp"
#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

constexpr int kRounds = 8;  // of looking at an object and putting another in its place
constexpr const char *kCommand = "mnp-command", *kOwner = "mnp-owner", *kStart = "mnp-start",
                     *kIdentity = "mnp-identity";

aws::Headers metadata_of(const Origin& who) {
  return {{kCommand, std::to_string(who.command.value())},
          {kOwner, std::to_string(who.owner.value())},
          {kStart, std::to_string(who.start)},
          {kIdentity, hex64(who.identity)}};
}

/// nullopt: it was not put by a command.
std::optional<Origin> origin_of(const aws::S3Info& info) {
  const auto number = [&](const char* name) {
    return parse_integer(aws::header(info.metadata, name)).value_or(-1);
  };
  const int64_t command = number(kCommand), owner = number(kOwner), start = number(kStart);
  constexpr int64_t kMost = UINT32_MAX;
  if (command < 0 || owner < 0 || start < 0 || command > kMost || owner > kMost || start > kMost)
    return std::nullopt;
  const std::string identity = aws::header(info.metadata, kIdentity);
  return Origin{CommandIndex(static_cast<uint32_t>(command)),
                OwnerNumber(static_cast<uint32_t>(owner)), static_cast<uint32_t>(start),
                std::strtoull(identity.c_str(), nullptr, 16)};
}

bool same(const Origin& a, const Origin& b) {
  return a.identity == b.identity && a.owner == b.owner && a.start == b.start;
}

constexpr size_t kPartsAtOnce = 2;  // of each large file

/// That is its command's fault, and so kIo.
Status check_source(const fs::path& source) {
  std::error_code error;
  const auto type = fs::status(source, error).type();
  if (type == fs::file_type::regular) return {};
  return fail(Code::kIo,
              fmt::format("{}: {}", source.string(), error ? error.message() : "is no file"));
}

/// No other try, and no other node, can give S3 such a key.
Status check_key(const std::string& key, const std::string& path) {
  if (utf8_prefix(key) != key.size())
    return fail(Code::kConfig, fmt::format("{}: its name is not UTF-8, which keys of S3 must be; "
                                           "give it another one",
                                           path));
  if (key.size() <= aws::kMaxKey) return {};
  return fail(Code::kConfig,
              fmt::format("{}: its key would have {} bytes, and S3 takes {}; give it "
                          "a shorter name",
                          path, key.size(), aws::kMaxKey));
}

}  // namespace

struct S3Publisher::Start {
  explicit Start(const Publishing& publishing, OwnerNumber owner)
      : from(publishing.from),
        who{publishing.command, owner, publishing.start, publishing.identity} {}
  const fs::path from;
  const Origin who;
  std::vector<model::ResultFile> files;
  std::mutex mutex;  // of what follows
  std::vector<aws::S3Place> created;
  std::optional<Error> problem;
};

S3Publisher::S3Publisher(std::shared_ptr<aws::S3Store> store, S3PublishTarget target,
                         aws::TransferOptions options)
    : store_(std::move(store)), target_(std::move(target)), options_(options) {}

/// kIo: the file cannot be read. kExists. kStore: anything else, which may be better the next time.
Result<aws::Uploaded> S3Publisher::send(const fs::path& source, const aws::S3Place& place,
                                        const aws::S3PutOptions& put) {
  MNP_CHECK(check_source(source));
  aws::TransferOptions options = options_;
  options.threads = kPartsAtOnce;  // many files are under way
  auto sent = aws::S3Transfer(store_->s3(), options).upload_file(source, place, put);
  if (!sent && sent.error().code != Code::kIo && sent.error().code != Code::kExists)
    return fail(Code::kStore, sent.error().text);
  return sent;
}

/// With the checksum that it was put with. kIo and kConfig are the command's fault.
Result<aws::Uploaded> S3Publisher::put(const fs::path& source, const aws::S3Place& place,
                                       const Origin& who, const std::string& path, bool& created) {
  MNP_CHECK(check_name(path, who));
  const auto conditions = store_->can_put_if_absent();
  if (!conditions) return fail(Code::kStore, conditions.error().text);
  const bool conditional = *conditions;
  std::error_code error;
  const uint64_t bytes = fs::file_size(source, error);  // a large one is not sent in vain
  bool look = !conditional || bytes > options_.part;
  std::string refused;  // the ETag of the last condition
  for (int round = 0; round < kRounds; ++round) {
    aws::S3PutOptions options;
    options.metadata = metadata_of(who);
    options.only_if_absent = conditional;
    bool there = false;
    if (look) {
      const auto info = store_->s3().head(place);
      if (!info && info.error().code != Code::kNotFound)
        return fail(Code::kStore, info.error().text);
      there = info.has_value();
      if (there) {
        const auto other = origin_of(*info);
        if (!other)
          return fail(Code::kConfig,
                      fmt::format("{} is there, and no command has published it", place.text()));
        MNP_TRY(const bool replaces, may_replace(*other, who, path));
        created = same(*other, who);  // an answer was lost, or another file had failed
        if (!replaces || created) return aws::Uploaded{info->bytes, aws::checksum_of(*info)};
        options.only_if_absent = false;
        // One that refuses the very object that lies there (Ceph 18) takes no such condition.
        if (conditional && info->etag != refused) options.only_if_etag = info->etag;
      }
    }
    auto sent = send(source, place, options);
    if (sent) created = true;  // what it has replaced was no kept start's
    refused = options.only_if_etag;
    if (sent || sent.error().code != Code::kExists) return sent;
    look = true;
  }
  return fail(Code::kStore, place.text() + " is changed again and again");
}

Status S3Publisher::publish_one(Start& start, size_t number) {
  model::ResultFile& file = start.files[number];
  const std::string below = file.partial
                                ? fmt::format("{}/{}-{}/{}", target_.partials,
                                              start.who.command.value(), start.who.start, file.path)
                                : target_.results + "/" + file.path;
  const aws::S3Place place = store_->at(below);
  bool created = false;
  const fs::path source = start.from / file.path;
  const auto sent = [&]() -> Result<aws::Uploaded> {
    MNP_CHECK(check_key(place.key, file.path));
    return file.partial ? send(source, place, {})
                        : put(source, place, start.who, file.path, created);
  }();
  if (!sent && sent.error().code != Code::kIo && sent.error().code != Code::kConfig)
    return fail(Code::kStore, sent.error().text);
  const std::scoped_lock lock(start.mutex);
  if (created) start.created.push_back(place);
  if (!sent) {
    if (!start.problem) start.problem = sent.error();
    return {};
  }
  file.bytes = sent->bytes;
  file.crc32c = sent->crc32c;
  return {};
}

/// Unless a later start has replaced it meanwhile. kStore: something may be left.
Status S3Publisher::take_back(const aws::S3Place& place,
                              const std::function<bool(const Origin&)>& whose) {
  for (std::string refused;;) {
    const auto info = store_->s3().head(place);
    if (!info && info.error().code != Code::kNotFound) return fail(Code::kStore, info.error().text);
    const auto there = info ? origin_of(*info) : std::nullopt;
    if (!there || !whose(*there)) return {};
    // One that refuses what lies there takes no such condition.
    const std::string match = info->etag == refused ? "" : info->etag;
    const auto removed = store_->s3().remove(place, "", match);
    if (removed) return {};
    const bool look_again = removed.error().code == Code::kExists || removed.error().status == 501;
    if (!look_again || match.empty()) return fail(Code::kStore, removed.error().text);
    refused = match;
  }
}

Status S3Publisher::remove(const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    MNP_CHECK(
        take_back(store_->at(target_.results + "/" + path), [](const Origin&) { return true; }));
  return {};
}

void S3Publisher::publish(std::vector<Publishing>& starts) {
  std::deque<Start> under_way;
  Status store;
  {
    aws::Crew crew(options_.threads);
    for (const Publishing& each : starts) {
      Start& start = under_way.emplace_back(each, target_.owner);
      auto paths = files_to_publish(each.from);
      if (!paths) {
        start.problem = paths.error();
        continue;
      }
      for (const std::string& path : *paths) {
        model::ResultFile& file = start.files.emplace_back();
        file.path = path;
        file.partial = target_.reduce && glob_match(target_.reduce->match, path);
      }
      for (size_t i = 0; i < start.files.size(); ++i)
        crew.add([this, &start, i] { return publish_one(start, i); });
    }
    store = crew.finish();
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    Start& start = under_way[i];
    if (start.problem) {
      Status back;
      for (const aws::S3Place& place : start.created)
        if (back)
          back = take_back(place, [&start](const Origin& there) { return same(there, start.who); });
      const Error& why = back ? *start.problem : back.error();
      starts[i].files = fail(why.within("publish results"));
    } else if (!store) {
      starts[i].files = fail(store.error().within("publish results"));
    } else {
      starts[i].files = std::move(start.files);
    }
  }
}

}  // namespace mnp::node
