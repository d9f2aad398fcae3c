#include "launcher/command_source.hpp"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "launcher/run_store.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"

namespace mnp::launcher {
namespace {

constexpr auto kFromLimit = std::chrono::minutes(30);

Status refuse_empty(uint64_t commands, const std::string& name) {
  if (commands > 0) return {};
  return fail(Code::kConfig, name + " has no commands; write one a line");
}

Status refuse_url(const std::string& path) {
  if (path.find("://") == std::string::npos) return {};
  return fail(Code::kConfig, path + ": name a file or s3://BUCKET/KEY");
}

Result<ResolvedList> from_text(std::string text, const std::string& name) {
  ResolvedList list;
  MNP_TRY(const auto commands, model::CommandList::parse(text, name));
  list.commands = commands.size();
  MNP_CHECK(refuse_empty(list.commands, name));
  list.text = std::move(text);
  return list;
}

/// Pipes can be read only once: `/dev/stdin`, `<(...)`.
Result<ResolvedList> from_pipe(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (in.bad() || !in.is_open()) return fail(Code::kConfig, path + ": cannot be read");
  return from_text(std::move(text), path);
}

Result<ResolvedList> from_file(const std::string& path) {
  if (aws::is_s3(path)) {
    MNP_TRY(auto text, s3_session().read(path));
    return from_text(std::move(text), path);
  }
  MNP_CHECK(refuse_url(path));
  std::error_code error;
  const auto type = fs::status(path, error).type();
  if (type == fs::file_type::fifo || type == fs::file_type::character) return from_pipe(path);
  ResolvedList list;
  MNP_TRY(const auto commands, model::CommandList::open(path));
  list.commands = commands.size();
  MNP_CHECK(refuse_empty(list.commands, "the list " + path));
  list.path = path;
  return list;
}

std::string inline_text(const model::CommandSource& source) {
  return source.lines.empty() ? "" : join(source.lines, "\n") + "\n";
}

}  // namespace

Result<ResolvedList> resolve_commands(const model::StageSpec& stage, const std::string& folder,
                                      const fs::path& bin) {
  const model::CommandSource& source = stage.commands;
  auto list = [&]() -> Result<ResolvedList> {
    if (!source.path.empty()) return from_file(source.path);
    if (source.from.empty()) return from_text(inline_text(source), "the list");
    MNP_TRY(auto text, output_of(source.from, folder, bin, kFromLimit));
    return from_text(std::move(text), "output of `" + source.from + "`");
  }();
  if (!list && list.error().code != Code::kStopped) return fail(Code::kConfig, list.error().text);
  return list;
}

Status check_commands(const model::StageSpec& stage) {
  const model::CommandSource& source = stage.commands;
  if (!source.path.empty()) {
    if (auto list = from_file(source.path); !list) return fail(Code::kConfig, list.error().text);
  } else if (!source.lines.empty()) {
    if (auto list = from_text(inline_text(source), "the list"); !list)
      return fail(Code::kConfig, list.error().text);
  }
  return {};
}

}  // namespace mnp::launcher
