// `mnp s3 cp|ls|cat`: moves data to and from S3 where there is no AWS CLI.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "aws/s3_session.hpp"
#include "aws/s3_store.hpp"
#include "aws/s3_transfer.hpp"
#include "launcher/cli.hpp"
#include "launcher/commands.hpp"
#include "mnp/core/signals.hpp"
#include "mnp/core/text.hpp"

namespace mnp::launcher {
namespace {

constexpr uint64_t kBlock = uint64_t{8} << 20;  // of an object that is printed
constexpr Milliseconds kProgressPeriod{500};

aws::S3Session* session = nullptr;  // for the signal handler

void cancel(int) {
  session->cancel();
}

Result<aws::S3> open(const aws::SettingsOptions& account) {
  static aws::S3Session opened(account);  // of this one command
  session = &opened;
  for (const int signal : kStopSignals)
    if (::signal(signal, cancel) == SIG_IGN && signal == SIGHUP)
      ::signal(signal, SIG_IGN);  // nohup
  return opened.s3();
}

std::string line_of(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void print_folder(const std::string& key, bool json_lines) {
  if (!json_lines) return fmt::print("{:>19}  {:>10}  {}\n", "", "folder", key);
  nlohmann::ordered_json json;
  json["folder"] = key;
  fmt::print("{}", line_of(json));
}

void print_object(const aws::S3Listed& object, bool json_lines) {
  if (!json_lines)
    return fmt::print("{:>19}  {:>10}  {}\n", iso_time(object.modified).substr(0, 19),
                      format_bytes(object.bytes), object.key);
  nlohmann::ordered_json json;
  json["key"] = object.key;
  json["bytes"] = object.bytes;
  json["modified"] = object.modified;
  fmt::print("{}", line_of(json));
}

/// As `cp` names what it makes: in a folder, or a "folder" of S3, under the name that it had.
aws::S3Place target_of(const std::string& from, aws::S3Place to) {
  if (to.key.empty() || to.key.back() == '/') to.key += fs::path(from).filename().string();
  return to;
}

fs::path target_of(const aws::S3Place& from, const fs::path& to) {
  std::error_code error;
  const bool folder = to.filename().empty() || fs::is_directory(to, error);
  return folder ? to / fs::path(from.key).filename() : to;
}

aws::S3Place without_slash(aws::S3Place place) {
  while (!place.key.empty() && place.key.back() == '/') place.key.pop_back();
  return place;
}

Status transfer(const S3CopyOptions& copy, aws::S3Transfer& transfer) {
  if (aws::is_s3(copy.from)) {
    MNP_TRY(const auto from, aws::S3Place::parse(copy.from));
    if (copy.recursive) return transfer.download_folder(without_slash(from), copy.to);
    return transfer.download_file(from, target_of(from, copy.to));
  }
  MNP_TRY(const auto to, aws::S3Place::parse(copy.to));
  std::error_code error;
  if (copy.recursive) return transfer.upload_folder(copy.from, without_slash(to));
  if (fs::is_directory(copy.from, error))
    return fail(Code::kUsage, copy.from + " is a folder; type -r to copy what is in it");
  return transfer.upload_file(copy.from, target_of(copy.from, to)).map([](const auto&) {});
}

/// Says how far it is while it goes on, on a terminal.
class ProgressLine {
 public:
  ProgressLine(const aws::TransferProgress& progress, bool shown) {
    if (!shown || ::isatty(STDERR_FILENO) == 0) return;
    thread_ = std::thread([this, &progress] {
      while (!done_) {
        std::fprintf(stderr, "\r\x1b[2K%s", text_of(progress).c_str());
        std::this_thread::sleep_for(kProgressPeriod);
      }
      std::fputs("\r\x1b[2K", stderr);
    });
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }

  static std::string text_of(const aws::TransferProgress& progress) {
    std::string text =
        fmt::format("{} files, {}", progress.files.load(), format_bytes(progress.bytes.load()));
    if (progress.kept > 0) text += fmt::format(", {} there already", progress.kept.load());
    return text;
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

void say_end(const S3CopyOptions& copy, const aws::TransferProgress& progress, double seconds) {
  if (copy.json) {
    nlohmann::ordered_json json;
    json["files"] = progress.files.load();
    json["bytes"] = progress.bytes.load();
    json["kept"] = progress.kept.load();
    json["seconds"] = seconds;
    return fmt::print("{}", line_of(json));
  }
  if (!copy.quiet)
    tell(fmt::format("copied {} in {}", ProgressLine::text_of(progress), format_duration(seconds)));
}

}  // namespace

Result<int> run(const S3CopyOptions& copy) {
  if (aws::is_s3(copy.from) == aws::is_s3(copy.to))
    return fail(Code::kUsage, "one of the two is s3://BUCKET/KEY, the other a path");
  MNP_TRY(auto s3, open(copy.account));
  aws::TransferOptions options;
  options.only_changed = copy.only_changed;
  aws::S3Transfer made(std::move(s3), options);
  const double begun = wall_seconds();
  Status done;
  {
    const ProgressLine line(made.progress(), !copy.quiet && !copy.json);
    done = transfer(copy, made);
  }
  if (session->cancelled())
    return fail(Code::kStopped, fmt::format("stopped; {}; --only-changed goes on",
                                            ProgressLine::text_of(made.progress())));
  MNP_CHECK(done);
  say_end(copy, made.progress(), wall_seconds() - begun);
  return 0;
}

Result<int> run(const S3ListOptions& list) {
  MNP_TRY(const auto place, aws::S3Place::parse(list.place));
  MNP_TRY(auto s3, open(list.account));
  std::string next;
  bool any = false;
  do {
    const auto page = s3.list(place, list.recursive ? "" : "/", next);
    if (!page) return fail(aws::store_error(page.error()));
    for (const std::string& folder : page->folders) print_folder(folder, list.json);
    for (const aws::S3Listed& object : page->objects) print_object(object, list.json);
    any = any || !page->folders.empty() || !page->objects.empty();
    next = page->next;
  } while (!next.empty() && std::ferror(stdout) == 0);
  if (any || place.key.empty()) return 0;
  return fail(Code::kNotFound, place.text() + ": no key begins so");
}

/// All of one version: an object that is replaced meanwhile is an error.
Result<int> run(const S3CatOptions& cat) {
  MNP_TRY(const auto place, aws::S3Place::parse(cat.place));
  MNP_TRY(auto s3, open(cat.account));
  const auto info = s3.head(place);
  if (!info) return fail(aws::store_error(info.error()));
  uint32_t crc = 0;
  for (uint64_t first = 0; first < info->bytes && std::ferror(stdout) == 0; first += kBlock) {
    const aws::S3Range range{first, std::min(kBlock, info->bytes - first)};
    const auto part = s3.get(place, range, info->etag);
    if (!part) return fail(aws::store_error(part.error()));
    crc = crc32c(part->bytes, crc);
    std::fwrite(part->bytes.data(), 1, part->bytes.size(), stdout);
  }
  if (std::ferror(stdout) == 0) MNP_CHECK(aws::compare_checksum(place, *info, crc));
  return 0;
}

}  // namespace mnp::launcher
