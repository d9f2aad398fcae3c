#include "mnp/node/inputs.hpp"

#include <set>

#include <fmt/format.h>

#include "aws/s3_store.hpp"
#include "aws/s3_transfer.hpp"
#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/published.hpp"

namespace mnp::node {
namespace {

Status link_one(const fs::path& source, const fs::path& link) {
  std::error_code error;
  fs::remove(link, error);
  fs::create_symlink(source, link, error);
  if (error)
    return fail(Code::kIo,
                fmt::format("link {} to {}: {}", link.string(), source.string(), error.message()));
  return {};
}

/// Where an input lies: an earlier stage's results, or what the pipeline file names.
std::string source_of(const Context& context, const model::Input& input) {
  if (!input.from_stage) return input.source;
  return context.store->url(model::StageKeys::of(context.run_keys(), input.source).results());
}

Error missing(const model::Input& input, const std::string& source) {
  return {Code::kConfig,
          input.from_stage
              ? fmt::format("input {}: stage {} has published nothing ({} is not there); where "
                            "only its end matters, name it under `after:`",
                            input.name, input.source, source)
              : fmt::format("input {}: {} is not there", input.name, source)};
}

Status link_input(const model::Input& input, const fs::path& source, const fs::path& link) {
  std::error_code error;
  const bool there = fs::exists(source, error);
  if (error == std::errc::io_error)
    return fail(Code::kStore,
                fmt::format("input {}: {}: {}", input.name, source.string(), error.message()));
  return there ? link_one(source, link) : fail(missing(input, source.string()));
}

/// nullopt: there is no such object, or none that may be read.
Result<std::optional<uint64_t>> bytes_of(aws::S3& s3, const aws::S3Place& place) {
  const auto info = s3.head(place);
  if (info) return info->bytes;
  if (info.error().code == Code::kNotFound || info.error().code == Code::kDenied)
    return std::nullopt;
  return fail(aws::store_error(info.error()));
}

/// nullopt: nothing is there.
Result<std::optional<uint64_t>> bytes_below(aws::S3& s3, aws::S3Place folder) {
  if (!folder.key.empty()) folder.key += "/";
  std::optional<uint64_t> bytes;
  const auto listed =
      s3.list_all(folder, [&](const aws::S3Listed& one) { bytes = bytes.value_or(0) + one.bytes; });
  if (!listed) return fail(aws::store_error(listed.error()));
  return bytes;
}

Status check_room(const model::Input& input, uint64_t bytes, const fs::path& disk) {
  MNP_TRY(const uint64_t free, free_bytes(disk));
  if (bytes <= free) return {};
  return fail(Code::kConfig,
              fmt::format("input {}: {} do not fit on this node's disk ({} are free in {}); set "
                          "TMPDIR to a larger one, or let commands fetch what each needs "
                          "(stage_inputs: false)",
                          input.name, format_bytes(bytes), format_bytes(free), disk.string()));
}

/// An object, or all below a prefix.
Status copy_input(const Context& context, const model::Input& input, const std::string& source,
                  const fs::path& to, const std::atomic<bool>& cancel) {
  MNP_TRY(aws::S3Place place, aws::S3Place::parse(source));
  const bool is_folder = place.key.empty() || place.key.back() == '/';
  while (!place.key.empty() && place.key.back() == '/') place.key.pop_back();
  MNP_TRY(aws::S3 s3, context.s3->s3());
  s3 = s3.cancelled_by(cancel);
  std::optional<uint64_t> object;
  if (!is_folder) {
    MNP_TRY(object, bytes_of(s3, place));
  }
  auto bytes = object;
  if (!object) {
    MNP_TRY(bytes, bytes_below(s3, place));
  }
  if (!bytes) return fail(missing(input, source));
  MNP_CHECK(check_room(input, *bytes, context.scratch.root));
  if (!object) MNP_CHECK(make_folders(to));  // it may hold nothing but its own name
  aws::S3Transfer transfer(s3, {});
  const Status done =
      object ? transfer.download_file(place, to) : transfer.download_folder(place, to);
  if (done) return {};
  return fail(aws::store_error(done.error()).within("input " + input.name));
}

}  // namespace

Status bring_inputs(const Context& context, bool here, const std::atomic<bool>& cancel) {
  const fs::path folder = context.scratch.inputs();
  MNP_CHECK(make_folders(folder));
  if (!context.spec().stage_inputs) return {};
  for (const model::Input& input : context.spec().inputs) {
    if (input.broadcast && !here) continue;
    const std::string source = source_of(context, input);
    MNP_CHECK(aws::is_s3(source) ? copy_input(context, input, source, folder / input.name, cancel)
                                 : link_input(input, source, folder / input.name));
  }
  return {};
}

Status check_inputs(const Context& context) {
  std::set<std::string> seen;
  for (const model::Input& input : context.spec().inputs) {
    const auto* const stage = input.from_stage ? context.plan.find(input.source) : nullptr;
    if (stage == nullptr || !seen.insert(input.source).second) continue;
    if (auto as_left = model::check_published(*context.store, context.run_keys(), *stage); !as_left)
      return fail(as_left.error().within("input " + input.name));
  }
  return {};
}

std::string input_places(const Context& context) {
  std::string lines;
  for (const model::Input& input : context.spec().inputs)
    lines += input.name + " " + source_of(context, input) + "\n";
  return lines;
}

void remove_unlinked(const fs::path& received, const fs::path& folder) {
  const auto names = list_folder(folder);
  if (!names) return log::warning("{}", names.error().text);
  std::set<fs::path> linked;
  for (const std::string& name : *names) {
    std::error_code error;
    linked.insert(fs::read_symlink(folder / name, error));
  }
  const auto there = list_folder(received);
  for (const std::string& name : there ? *there : std::vector<std::string>{})
    if (linked.count(received / name) == 0)
      if (auto removed = remove_tree(received / name); !removed)
        log::warning("{}", removed.error().text);
}

Status link_broadcast(const fs::path& folder, const std::string& name, const fs::path& received) {
  MNP_CHECK(make_folders(folder));
  return link_one(received, folder / name);
}

}  // namespace mnp::node
