// libFuzzer target: the parsers of pipeline files, plans and command lists never crash, and what
// they accept holds together. The first byte picks the parser. Build with clang and
// -DMNP_SANITIZE=fuzzer; run `model_fuzz -max_total_time=60 CORPUS`.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "mnp/core/text.hpp"
#include "mnp/model/command_list.hpp"
#include "mnp/model/plan.hpp"
#include "mnp/model/spec.hpp"

namespace {

using namespace mnp::model;

void require(bool holds) {
  if (!holds) std::abort();
}

void fuzz_spec(std::string_view text) {
  const auto spec = parse_spec(text, "fuzz.yaml");
  if (!spec) {
    for (const std::string& line : mnp::split(spec.error().text, '\n'))
      require(mnp::starts_with(line, "fuzz.yaml:") && line.find("; ") != std::string::npos);
    return;
  }
  std::set<std::string> earlier;
  Plan plan{"r", spec->name, spec->folder, {}};
  for (const StageSpec& stage : spec->stages) {
    for (const std::string& name : stages_before(stage)) require(earlier.count(name) == 1);
    require(earlier.insert(stage.name).second);
    require(stage.commands.empty() != stage.program.empty());
    plan.stages.push_back({stage, 0, stages_before(stage)});
  }
  const std::string json = plan_to_json(plan);
  const auto read = plan_from_json(json);
  require(read && plan_to_json(*read) == json);
}

void fuzz_list(std::string_view text) {
  const auto list = CommandList::parse(std::string(text), "fuzz.txt");
  if (!list) return;
  const auto identities = list->identities();
  require(identities.size() == list->size());
  require(std::set<uint64_t>(identities.begin(), identities.end()).size() == list->size());
  for (uint32_t i = 0; i < list->size(); ++i) {
    const std::string_view line = list->line(mnp::CommandIndex(i));
    require(line.find_first_not_of(" \t") != line.npos && line.find('\n') == line.npos);
    require(list->cost(mnp::CommandIndex(i)) >= 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'p')
    (void)plan_from_json(text);
  else if (data[0] == 'l')
    fuzz_list(text);
  else
    fuzz_spec(text);
  return 0;
}
