#include "mnp/node/publish_names.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "mnp/core/text.hpp"
#include "mnp/model/json_line.hpp"

namespace mnp::node {
namespace {

constexpr char kNames[] = ".names";
constexpr auto kRowLimit = std::chrono::seconds(30);  // for writing a few bytes
constexpr size_t kMaxRow = size_t{64} << 10;          // bytes; a path is at most 4 KiB

/// Whatever it is, trying again later may do.
tl::unexpected<Error> store_failed(const Error& error) {
  return fail(Code::kStore, error.text);
}

}  // namespace

Result<PublishedNames> PublishedNames::lock(const fs::path& results, const std::string& holder,
                                            Milliseconds patience) {
  MNP_TRY(PublishLock lock, PublishLock::acquire(results, holder, patience));
  return PublishedNames(results, incoming_folder(results) / holder, std::move(lock));
}

fs::path PublishedNames::row_path(const std::string& path) const {
  return results_ / kNames / hex64(fnv1a(path));
}

Result<std::optional<Origin>> PublishedNames::read(const std::string& path) const {
  const auto text = read_file(row_path(path), kMaxRow);
  if (!text && text.error().code == Code::kNotFound) return std::nullopt;
  if (!text) return store_failed(text.error());
  if (text->empty()) return std::nullopt;  // a machine died before it was synced: never kept
  model::JsonReader row(trim(*text));
  row.expect("{\"command\":");
  Origin who;
  who.command = CommandIndex(row.number32());
  row.member("owner");
  who.owner = OwnerNumber(row.number32());
  row.member("start");
  who.start = row.number32();
  row.member("identity");
  who.identity = row.hex64();
  row.member("path");
  const bool same = row.text() == path;
  row.expect("}");
  if (!row.whole() || !same)
    return fail(Code::kStore, row_path(path).string() + ": not a row for " + path);
  return who;
}

/// No file where a folder has to be, no folder where the file has to be.
Status PublishedNames::check_shape(const std::string& path, const Origin& who) const {
  struct stat info {};
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::lstat((results_ / folder).c_str(), &info) != 0 || S_ISDIR(info.st_mode)) continue;
    MNP_TRY(const auto row, read(folder));
    return fail(
        Code::kConfig,
        fmt::format("command {} publishes '{}' and {} the file '{}'; give them different "
                    "paths",
                    who.command.value(), path,
                    row ? fmt::format("command {}", row->command.value()) : "another", folder));
  }
  if (::lstat((results_ / path).c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return fail(Code::kConfig, fmt::format("command {} publishes the file '{}', which is a folder "
                                           "that another command publishes into",
                                           who.command.value(), path));
  return {};
}

Result<bool> PublishedNames::may_publish(const std::string& path, const Origin& who) {
  MNP_CHECK(lock_.renew());
  MNP_CHECK(check_shape(path, who));
  MNP_TRY(const auto row, read(path));
  if (!row) return true;
  return may_replace(*row, who, path);
}

Status PublishedNames::remove(const std::string& path) {
  MNP_CHECK(lock_.renew());
  if (::unlink(row_path(path).c_str()) == 0 || errno == ENOENT) return {};
  return store_failed(fail_errno("remove " + row_path(path).string()).value());
}

/// Without fsync: what it announces is not durable either before the whole commit is synced.
Status PublishedNames::write(const std::string& path, const Origin& who) {
  std::string row;
  model::JsonWriter(row)
      .raw("{\"command\":")
      .number(who.command.value())
      .member("owner")
      .number(who.owner.value())
      .member("start")
      .number(who.start)
      .member("identity")
      .hex64(who.identity)
      .member("path")
      .text(path)
      .raw("}\n");
  MNP_CHECK(lock_.renew());
  const fs::path place = row_path(path);
  const fs::path temporary = incoming_ / ".row";
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return store_failed(fail_errno("create " + temporary.string()).value());
  if (auto written = write_all(fd.get(), row, Clock::now() + kRowLimit); !written)
    return store_failed(written.error().within(temporary.string()));
  if (::rename(temporary.c_str(), place.c_str()) != 0)
    return store_failed(fail_errno("rename to " + place.string()).value());
  return {};
}

}  // namespace mnp::node
