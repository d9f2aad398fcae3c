#include "mnp/node/shell_text.hpp"

#include <optional>

namespace mnp::node {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
/// Characters that mean themselves outside quotes.
bool is_plain(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("./:,=@%+-^!").find(c) != std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  Result<std::vector<ShellToken>> read();

 private:
  std::optional<ShellToken::Kind> take_operator();
  Status take_word();
  Status take_piece();
  Status take_quoted(char quote);
  Status take_reference();
  void add(char c);
  bool at_end() const { return at_ >= text_.size(); }
  bool next_is(std::string_view what) const { return text_.substr(at_, what.size()) == what; }
  tl::unexpected<Error> not_understood(std::string_view what) const;

  std::string_view text_;
  size_t at_ = 0;
  std::vector<EnvPiece> word_;
};

tl::unexpected<Error> Reader::not_understood(std::string_view what) const {
  constexpr size_t kShown = 24;
  std::string near;
  for (const char c : text_.substr(at_, kShown)) near.push_back(c >= ' ' && c <= '~' ? c : '?');
  return fail(Code::kProtocol, std::string(what) + " at: " + near);
}

Result<std::vector<ShellToken>> Reader::read() {
  std::vector<ShellToken> tokens;
  while (true) {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (at_end()) return tokens;
    if (const auto kind = take_operator()) {
      tokens.push_back({*kind, {}});
      continue;
    }
    word_.clear();
    MNP_CHECK(take_word());
    tokens.push_back({ShellToken::Kind::kWord, word_});
  }
}

std::optional<ShellToken::Kind> Reader::take_operator() {
  using Kind = ShellToken::Kind;
  if (next_is("||")) {
    at_ += 2;
    return Kind::kOr;
  }
  const char c = text_[at_];
  if (c != ';' && c != '(' && c != ')') return std::nullopt;
  ++at_;
  return c == ';' ? Kind::kSemicolon : c == '(' ? Kind::kOpen : Kind::kClose;
}

Status Reader::take_word() {
  while (!at_end()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == ';' || c == '(' || c == ')' || next_is("||")) break;
    MNP_CHECK(take_piece());
  }
  return {};
}

Status Reader::take_piece() {
  const char c = text_[at_];
  if (c == '\'' || c == '"') {
    ++at_;
    return take_quoted(c);
  }
  if (c == '$') return take_reference();
  if (!is_plain(c)) return not_understood("a character with a meaning for shells");
  add(c);
  ++at_;
  return {};
}

Status Reader::take_quoted(char quote) {
  while (!at_end() && text_[at_] != quote) {
    const char c = text_[at_];
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      return not_understood("a control character");
    if (quote == '"' && (c == '\\' || c == '`'))
      return not_understood("a character with a meaning for shells");
    if (quote == '"' && c == '$') {
      MNP_CHECK(take_reference());
      continue;
    }
    add(c);
    ++at_;
  }
  if (at_end()) return not_understood("a quote that is not closed");
  ++at_;
  return {};
}

/// $NAME, ${NAME}, ${NAME:-}: the last is what Open MPI writes under `set -u`.
Status Reader::take_reference() {
  const bool braces = next_is("${");
  size_t from = at_ + (braces ? 2 : 1);
  size_t to = from;
  while (to < text_.size() && (is_letter(text_[to]) || (to > from && is_digit(text_[to])))) ++to;
  if (to == from) return not_understood("an expansion");
  const std::string name(text_.substr(from, to - from));
  if (braces) {
    if (text_.substr(to, 2) == ":-") to += 2;
    if (text_.substr(to, 1) != "}") return not_understood("an expansion");
    ++to;
  }
  word_.push_back({true, name});
  at_ = to;
  return {};
}

void Reader::add(char c) {
  if (word_.empty() || word_.back().reference) word_.push_back({false, ""});
  word_.back().text.push_back(c);
}

}  // namespace

Result<std::vector<ShellToken>> read_shell_text(std::string_view text) {
  return Reader(text).read();
}

}  // namespace mnp::node
