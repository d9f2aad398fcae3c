#include "mnp/node/node_arguments.hpp"
#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"
#include "mnp/node/join_key.hpp"
#include "mnp/node/keeper.hpp"

namespace mnp::node {
namespace {

constexpr char kHelp[] =
    "usage: mnp-node\n"
    "\n"
    "The entry point of every container of a multi-node parallel job. It takes no arguments:\n"
    "AWS Batch's variables say which node this is, and the submitter's say what to run\n"
    "(MNP_STORE, MNP_RUN, MNP_STAGE). Without a submitter, LIST_FILE_S3_PATH names a list of\n"
    "commands, one a line. It exits with the stage's status; the README lists them.\n"
    "\n"
    "  --help     this text\n"
    "  --version  the version\n";

/// Takes the secret out of the environment, and out of the memory that /proc shows of it.
std::string take_secret() {
  char* value = std::getenv(model::kJoinSecret);
  if (value == nullptr) return "";
  std::string secret = value;
  std::memset(value, 0, std::strlen(value));
  ::unsetenv(model::kJoinSecret);
  return secret;
}

Result<std::string> key_from_secret(const Identity& me) {
  // Neither the secret nor the key may be read from this process by others of this user.
  if (me.has_join_secret) ::prctl(PR_SET_DUMPABLE, 0);
  std::string secret = take_secret();
  if (secret.empty() || !me.store.empty()) {  // a store's key wins
    wipe(secret);
    return std::string();
  }
  auto key = JoinKey::derive(secret, me.job, me.attempt);
  wipe(secret);
  if (!key) return fail(key.error());
  return key->text();
}

Result<int> keep(const Identity& me, const char* program) {
  KeeperOptions options;
  options.main = me.is_main();
  options.lifeline = me.lifeline;
  if (const char* lock = std::getenv(model::kRunLock)) options.lock = lock;
  options.agent = {program};
  options.clock = me.lease_clock();
  MNP_TRY(options.key, key_from_secret(me));
  return run_keeper(options);
}

}  // namespace

Result<NodeArguments> parse_node_arguments(const std::vector<std::string>& words) {
  NodeArguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--help" || word == "-h") {
      arguments.answer = kHelp;
    } else if (word == "--version") {
      arguments.answer = "mnp-node " MNP_VERSION;
    } else if (word == "--key-kept") {
      arguments.key_kept = true;
    } else if ((word == "--link" || word == "--page" || word == "--incarnation") &&
               i + 1 < words.size()) {
      MNP_TRY(const int64_t number, parse_integer(words[++i]));
      if (word == "--link") arguments.link = static_cast<int>(number);
      if (word == "--page") arguments.page = static_cast<int>(number);
      if (word == "--incarnation")
        arguments.incarnation = Incarnation(static_cast<uint32_t>(number));
    } else {
      return fail(Code::kUsage, fmt::format("'{}': no arguments are taken; see --help", word));
    }
  }
  return arguments;
}

int run_node_keeper(const Identity& me, const char* program) {
  const auto status = keep(me, program);
  if (status) return *status;
  log::error("{}", status.error().text);
  return code_info(status.error().code).exit_status;
}

}  // namespace mnp::node
