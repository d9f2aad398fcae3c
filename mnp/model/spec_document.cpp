#include "mnp/model/spec_document.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include "mnp/core/text.hpp"

#include "mnp/model/spec.hpp"

namespace mnp::model {

namespace {

constexpr size_t kMaxQuoted = 400;  // bytes of a message that may quote the file

std::string one_line(std::string_view text) {
  std::string line(text.substr(0, kMaxQuoted));
  if (line.size() < text.size()) line += "...";
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

/// Where the first two documents start, and nothing of what they hold.
class DocumentStarts : public YAML::EventHandler {
 public:
  explicit DocumentStarts(std::string_view text) {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (marks_.size() < 2 && parser.HandleNextDocument(*this)) {
    }
  }
  const std::vector<YAML::Mark>& marks() const { return marks_; }
  /// A stray comma starts document after document at the same place, each of them null.
  bool stuck() const { return marks_.size() == 2 && marks_[0].pos == marks_[1].pos; }

 private:
  using Mark = YAML::Mark;
  using Anchor = YAML::anchor_t;
  using Style = YAML::EmitterStyle::value;
  void OnDocumentStart(const Mark& mark) override { marks_.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const Mark&, Anchor) override {}
  void OnAlias(const Mark&, Anchor) override {}
  void OnScalar(const Mark&, const std::string&, Anchor, const std::string&) override {}
  void OnSequenceStart(const Mark&, const std::string&, Anchor, Style) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const Mark&, const std::string&, Anchor, Style) override {}
  void OnMapEnd() override {}

  std::vector<Mark> marks_;
};

}  // namespace

std::string SpecErrors::at(const YAML::Mark& mark) const {
  return fmt::format("{}:{}:{}", file_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1);
}

void SpecErrors::add(const YAML::Mark& mark, std::string_view what, std::string_view remedy) {
  const int line = std::max(mark.line, 0) + 1;
  const int column = std::max(mark.column, 0) + 1;
  std::string text = fmt::format("{}: {}; {}", at(mark), one_line(what), one_line(remedy));
  if (known_.insert(text).second) errors_.push_back({line, column, std::move(text)});
}

Error SpecErrors::error() const {
  std::vector<Located> sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Located& a, const Located& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  std::string text;
  for (size_t i = 0; i < std::min(sorted.size(), kMaxSpecErrors); ++i)
    text += (i == 0 ? "" : "\n") + sorted[i].text;
  return {Code::kConfig, text};
}

namespace {

/// Columns count bytes, as yaml-cpp's do.
std::optional<YAML::Mark> first_not_utf8(std::string_view text) {
  const size_t at = utf8_prefix(text);
  if (at == text.size()) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  YAML::Mark mark;
  mark.pos = static_cast<int>(at);
  mark.line = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  mark.column = static_cast<int>(at - (before.rfind('\n') + 1));  // npos + 1 is 0
  return mark;
}

}  // namespace

std::optional<YAML::Node> load_mapping(std::string_view text, SpecErrors& errors) {
  constexpr std::string_view kRemedy = "write name:, stages: and, below it, one `- name:` a stage";
  if (text.size() > kMaxSpecBytes) {
    errors.add({}, fmt::format("the file is larger than {} bytes", kMaxSpecBytes),
               "put long command lists into files of their own");
    return std::nullopt;
  }
  if (const auto mark = first_not_utf8(text)) {
    errors.add(*mark,
               fmt::format("byte 0x{:02x} is not UTF-8", static_cast<uint8_t>(text[mark->pos])),
               "save the file as UTF-8");
    return std::nullopt;
  }
  YAML::Node document;
  try {
    const DocumentStarts starts(text);
    if (starts.stuck()) throw YAML::ParserException(starts.marks()[0], "unexpected ','");
    if (starts.marks().size() > 1) {
      errors.add(starts.marks()[1], "a second YAML document", "keep one pipeline in a file");
      return std::nullopt;
    }
    document = YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    errors.add(error.mark, "not valid YAML: " + error.msg,
               "check indentation, quotes and brackets here and just above");
    return std::nullopt;
  }
  if (document.IsNull()) {
    errors.add({}, "the file is empty", kRemedy);
    return std::nullopt;
  }
  if (!document.IsMap()) {
    errors.add(document.Mark(),
               fmt::format("a pipeline is a mapping, this is {}", shape_of(document)), kRemedy);
    return std::nullopt;
  }
  return document;
}

bool is_plain(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != "!";
}

std::string_view shape_of(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsScalar()) return "a single value";
  return "empty";
}

}  // namespace mnp::model
