#include "mnp/node/rsh_request.hpp"

#include <optional>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

using Kind = ShellToken::Kind;

constexpr std::string_view kSshFlags[] = {"-x", "-q", "-n", "-T", "-a"};  // nothing for us to do
/// What Open MPI 4 puts in front where the login shell is sh or ksh. There is no login here.
constexpr std::string_view kProfile[] = {"test", "!", "-r", "./.profile"};

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 255 || host[0] == '-') return false;
  for (const char c : host)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
          c == '-' || c == '_' || c == ':'))
      return false;
  return true;
}

/// Its syntax would only be called nonsense.
bool is_for_csh(std::string_view command) {
  return starts_with(trim(command), "set ") || starts_with(trim(command), "setenv ");
}

std::optional<std::string> literal(const ShellToken& token) {
  if (token.kind != Kind::kWord) return std::nullopt;
  std::string text;
  for (const EnvPiece& piece : token.pieces) {
    if (piece.reference) return std::nullopt;
    text += piece.text;
  }
  return text;
}

/// The words after the host, as a grammar:
///   [ "(" profile ] { NAME=value ";" "export" NAME ";" } program { argument } [ ")" ]
class CommandReader {
 public:
  explicit CommandReader(std::vector<ShellToken> tokens) : tokens_(std::move(tokens)) {}
  Status read(SpawnRequest& request);

 private:
  bool take(Kind kind);
  bool take(std::string_view word);
  Status take_profile();
  Result<bool> take_assignment(SpawnRequest& request);
  std::optional<std::string> next() const;

  std::vector<ShellToken> tokens_;
  size_t at_ = 0;
};

bool CommandReader::take(Kind kind) {
  if (at_ >= tokens_.size() || tokens_[at_].kind != kind) return false;
  ++at_;
  return true;
}

std::optional<std::string> CommandReader::next() const {
  return at_ < tokens_.size() ? literal(tokens_[at_]) : std::nullopt;
}

bool CommandReader::take(std::string_view word) {
  if (next() != word) return false;
  ++at_;
  return true;
}

Status CommandReader::take_profile() {
  bool good = true;
  for (const std::string_view word : kProfile) good = good && take(word);
  good = good && take(Kind::kOr) && take(".") && take("./.profile") && take(Kind::kSemicolon);
  if (!good) return fail(Code::kProtocol, "a subshell that is not Open MPI's for sh");
  return {};
}

/// False: no assignment comes next.
Result<bool> CommandReader::take_assignment(SpawnRequest& request) {
  if (at_ >= tokens_.size() || tokens_[at_].kind != Kind::kWord || tokens_[at_].pieces.empty() ||
      tokens_[at_].pieces[0].reference)
    return false;
  EnvValue value = tokens_[at_].pieces;
  const size_t equals = value[0].text.find('=');
  const std::string name = value[0].text.substr(0, equals);
  if (equals == std::string::npos || equals == 0 || name.find('/') != std::string::npos ||
      name[0] == '-')
    return false;
  ++at_;
  value[0].text.erase(0, equals + 1);
  if (value[0].text.empty()) value.erase(value.begin());
  if (!take(Kind::kSemicolon) || !take("export") || !take(name) || !take(Kind::kSemicolon))
    return fail(Code::kProtocol, "no `export " + name + ";` after its assignment");
  request.env.emplace_back(name, std::move(value));
  return true;
}

Status CommandReader::read(SpawnRequest& request) {
  const bool subshell = take(Kind::kOpen);
  if (subshell) MNP_CHECK(take_profile());
  while (true) {
    MNP_TRY(const bool more, take_assignment(request));
    if (!more) break;
  }
  auto program = next();
  if (!program || program->empty()) return fail(Code::kProtocol, "no program is asked for");
  request.program = std::move(*program);
  for (++at_; at_ < tokens_.size() && tokens_[at_].kind != Kind::kClose; ++at_) {
    auto argument = literal(tokens_[at_]);
    if (!argument)
      return fail(Code::kProtocol, "an expansion or an operator among the program's arguments");
    request.args.push_back(std::move(*argument));
  }
  if (subshell != take(Kind::kClose) || at_ != tokens_.size())
    return fail(Code::kProtocol, "a parenthesis without its partner");
  return {};
}

}  // namespace

Result<SpawnRequest> parse_rsh_arguments(const std::vector<std::string>& arguments) {
  size_t bytes = 0;
  for (const std::string& argument : arguments) bytes += argument.size() + 1;
  if (bytes > kMaxRequest || arguments.size() > kMaxArguments)
    return fail(Code::kProtocol, "a request of over " + std::to_string(kMaxRequest) + " bytes or " +
                                     std::to_string(kMaxArguments) + " words");
  size_t at = 0;
  const auto is_flag = [](const std::string& text) {
    for (const std::string_view flag : kSshFlags)
      if (text == flag) return true;
    return false;
  };
  while (at < arguments.size() && is_flag(arguments[at])) ++at;
  if (at == arguments.size()) return fail(Code::kProtocol, "no host is named");
  if (!is_host(arguments[at]))
    return fail(Code::kProtocol, "neither an option that we know nor a host: " + arguments[at]);
  SpawnRequest request;
  request.host = arguments[at];
  const std::vector<std::string> words(arguments.begin() + static_cast<ptrdiff_t>(at) + 1,
                                       arguments.end());
  const std::string command = join(words, " ");
  if (is_for_csh(command))
    return fail(Code::kProtocol,
                "mpirun wrote its request for a C shell; give this user /bin/sh or bash as login "
                "shell");
  MNP_TRY(std::vector<ShellToken> tokens, read_shell_text(command));
  MNP_CHECK(CommandReader(std::move(tokens)).read(request));
  MNP_CHECK(check_spawn(request));
  return request;
}

}  // namespace mnp::node
