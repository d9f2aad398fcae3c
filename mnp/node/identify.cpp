#include "mnp/node/identify.hpp"

#include <arpa/inet.h>

#include <fmt/format.h>

#include "mnp/core/log.hpp"
#include "mnp/core/text.hpp"
#include "mnp/model/environment.hpp"

namespace mnp::node {
namespace {

constexpr int64_t kMaxNodes = 10000;

std::string text_of(const GetEnv& get, const char* name) {
  const char* value = get(name);
  return value == nullptr ? "" : value;
}

Result<int64_t> number(const GetEnv& get, const char* name, int64_t otherwise, int64_t least,
                       int64_t most) {
  const std::string text = text_of(get, name);
  if (text.empty()) return otherwise;
  const auto value = parse_integer(text);
  if (!value || *value < least || *value > most)
    return fail(Code::kConfig, fmt::format("{}='{}': a whole number from {} to {} belongs there",
                                           name, text, least, most));
  return *value;
}

Status check_address(const char* name, const std::string& address) {
  in_addr parsed{};
  if (address.empty() || ::inet_pton(AF_INET, address.c_str(), &parsed) == 1) return {};
  return fail(Code::kConfig,
              fmt::format("{}='{}': a numeric IPv4 address belongs there", name, address));
}

Status refuse(const char* name, const std::string& text, const char* allowed) {
  return fail(Code::kConfig, fmt::format("{}='{}': {} belongs there", name, text, allowed));
}

/// Runs and stages are folders of the store.
bool is_name(const std::string& text) {
  return text != "." && text != ".." && text.find('/') == std::string::npos;
}

/// What is not a number, an address or a path.
Status check_words(const GetEnv& get) {
  struct Word {
    const char* name;
    bool (*fits)(const std::string&);
    const char* allowed;
  };
  static constexpr Word kWords[] = {
      {model::kLog, [](const std::string& text) { return log::parse_level(text).has_value(); },
       "debug, info, warning or error"},
      {model::kFreshFailures, [](const std::string& text) { return text == "0" || text == "1"; },
       "0 or 1"},
      {model::kRun, is_name, "the name of a run, without '/',"},
      {model::kStage, is_name, "the name of a stage, without '/',"},
  };
  for (const Word& word : kWords)
    if (const std::string text = text_of(get, word.name); !text.empty() && !word.fits(text))
      return refuse(word.name, text, word.allowed);
  return {};
}

Status read_batch(const GetEnv& get, Identity& me) {
  const std::string id = text_of(get, "AWS_BATCH_JOB_ID");
  me.in_batch = !id.empty();
  me.job = me.in_batch ? id.substr(0, id.find('#')) : "local";
  if (me.job.empty())
    return fail(Code::kConfig, fmt::format("AWS_BATCH_JOB_ID='{}': a job id belongs there", id));
  MNP_TRY(const int64_t attempt, number(get, "AWS_BATCH_JOB_ATTEMPT", 1, 1, 1000000));
  MNP_TRY(const int64_t nodes, number(get, "AWS_BATCH_JOB_NUM_NODES", 1, 1, kMaxNodes));
  MNP_TRY(const int64_t index, number(get, "AWS_BATCH_JOB_NODE_INDEX", 0, 0, nodes - 1));
  MNP_TRY(const int64_t main, number(get, "AWS_BATCH_JOB_MAIN_NODE_INDEX", 0, 0, nodes - 1));
  me.attempt = static_cast<uint32_t>(attempt);
  me.nodes = static_cast<uint32_t>(nodes);
  me.index = NodeIndex(static_cast<uint32_t>(index));
  me.main_index = NodeIndex(static_cast<uint32_t>(main));
  constexpr const char* kMainAddress = "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS";
  if (!me.is_main()) me.main_address = text_of(get, kMainAddress);
  if (!me.is_main() && me.main_address.empty())
    return fail(Code::kConfig, fmt::format("{} is not set, but this is node {} of {} and main is "
                                           "node {}; Batch sets it on every child",
                                           kMainAddress, index, nodes, main));
  return check_address(kMainAddress, me.main_address);
}

Status read_ours(const GetEnv& get, Identity& me) {
  me.store = text_of(get, model::kStore);
  me.run = text_of(get, model::kRun);
  me.stage = text_of(get, model::kStage);
  const char* const secret = get(model::kJoinSecret);
  me.has_join_secret = secret != nullptr && *secret != '\0';
  me.own_address = text_of(get, model::kNodeAddress);
  MNP_CHECK(check_address(model::kNodeAddress, me.own_address));
  constexpr int64_t kMaxDescriptor = 1 << 20;
  MNP_TRY(const int64_t lifeline, number(get, model::kLifeline, -1, 0, kMaxDescriptor));
  me.lifeline = static_cast<int>(lifeline);
  me.fresh_failures = text_of(get, model::kFreshFailures) == "1";
  me.scratch_root = text_of(get, model::kScratchRoot);
  if (me.scratch_root.empty()) me.scratch_root = text_of(get, "TMPDIR");
  if (me.scratch_root.empty()) me.scratch_root = "/tmp";
  MNP_TRY(const int64_t port, number(get, model::kPort, model::kDefaultPort, 1024, 65534));
  me.port = static_cast<int>(port);
  me.raw = me.run.empty();
  if (!me.raw && me.stage.empty())
    return fail(Code::kConfig, fmt::format("{} is set and {} is not; the submitter sets both",
                                           model::kRun, model::kStage));
  if (!me.raw) return {};
  me.run = me.job;
  if (me.stage.empty()) me.stage = "main";
  me.list_file = text_of(get, model::kListFile);
  if (me.list_file.empty() && me.is_main())
    return fail(Code::kConfig,
                fmt::format("nothing to run: neither {} (a run of `mnp`) nor {} (a command list) "
                            "is set",
                            model::kRun, model::kListFile));
  return {};
}

Status can_prove_itself(const Identity& me) {
  if (me.nodes > 1 && me.store.empty() && !me.has_join_secret)
    return fail(Code::kConfig,
                fmt::format("{} nodes have no way to prove that they belong together: set {} to a "
                            "store that all of them reach, or {} to a secret of this job",
                            me.nodes, model::kStore, model::kJoinSecret));
  return {};
}

Status refuse_urls(const Identity& me) {
  for (const auto& [name, place] :
       {std::pair(model::kStore, me.store), std::pair(model::kListFile, me.list_file)})
    if (place.find("://") != std::string::npos && place.rfind("s3://", 0) != 0)
      return fail(Code::kConfig,
                  fmt::format("{}='{}': a path or s3://BUCKET/KEY belongs there", name, place));
  return {};
}

}  // namespace

/// Addresses that start with 127 reach nothing but the machine itself.
LeaseClock Identity::lease_clock() const {
  const auto is_here = [](const std::string& address) { return address.rfind("127.", 0) == 0; };
  const bool here = !in_batch || is_here(own_address) || is_here(main_address);
  return LeaseClock(here ? LeaseClock::Sleep::kLost : LeaseClock::Sleep::kCounted);
}

Result<Identity> identify(const GetEnv& get, bool has_key) {
  Identity me;
  MNP_CHECK(check_words(get));
  MNP_CHECK(read_batch(get, me));
  MNP_CHECK(read_ours(get, me));
  if (!has_key) MNP_CHECK(can_prove_itself(me));
  MNP_CHECK(refuse_urls(me));
  return me;
}

}  // namespace mnp::node
