#include "mnp/model/plan.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <random>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mnp::model {

namespace {

using Json = nlohmann::ordered_json;

/// Thrown and caught in this file alone: what is wrong with the JSON, and where.
struct Wrong {
  std::string text;
};

template <class Enum>
struct EnumNames;
template <>
struct EnumNames<Order> {
  static constexpr std::array<const char*, 2> kNames = {"list", "longest-first"};
};
template <>
struct EnumNames<Distribution> {
  static constexpr std::array<const char*, 2> kNames = {"dynamic", "block"};
};
template <>
struct EnumNames<OnFailure> {
  static constexpr std::array<const char*, 2> kNames = {"continue", "stop"};
};
template <>
struct EnumNames<ReduceOp> {
  static constexpr std::array<const char*, 3> kNames = {"sum", "min", "max"};
};

/// The fields of each struct, once for both directions. `visit` is called with (name, field).
template <class T, class Visit>
void fields_of(T& it, Visit&& visit) {
  using Plain = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Plain, Input>) {
    visit("name", it.name), visit("source", it.source), visit("from_stage", it.from_stage);
    visit("broadcast", it.broadcast);
  } else if constexpr (std::is_same_v<Plain, Reduce>) {
    visit("match", it.match), visit("op", it.op);
  } else if constexpr (std::is_same_v<Plain, AllowFailures>) {
    visit("count", it.count), visit("percent", it.percent);
  } else if constexpr (std::is_same_v<Plain, CommandSource>) {
    visit("path", it.path), visit("lines", it.lines), visit("from", it.from);
  } else if constexpr (std::is_same_v<Plain, StagePlan>) {
    visit("spec", it.spec), visit("commands", it.commands), visit("after", it.after);
  } else if constexpr (std::is_same_v<Plain, Plan>) {
    visit("run", it.run), visit("name", it.name), visit("folder", it.folder);
    visit("stages", it.stages);
  } else {
    static_assert(std::is_same_v<Plain, StageSpec>);
    visit("name", it.name), visit("nodes", it.nodes), visit("min_nodes", it.min_nodes);
    visit("min_alive", it.min_alive), visit("inputs", it.inputs), visit("after", it.after);
    visit("commands", it.commands), visit("program", it.program);
    visit("ranks_per_node", it.ranks_per_node), visit("restarts", it.restarts);
    visit("cpus", it.cpus), visit("memory", it.memory), visit("gpus", it.gpus);
    visit("slots", it.slots), visit("timeout", it.timeout);
    visit("stage_timeout", it.stage_timeout), visit("stall_timeout", it.stall_timeout);
    visit("warn_signal", it.warn_signal), visit("warn_before", it.warn_before);
    visit("tries", it.tries), visit("retry_on", it.retry_on), visit("order", it.order);
    visit("distribution", it.distribution), visit("on_failure", it.on_failure);
    visit("allow_failures", it.allow_failures), visit("reduce", it.reduce);
    visit("max_output", it.max_output), visit("setup", it.setup);
    visit("stage_inputs", it.stage_inputs), visit("env", it.env), visit("cwd", it.cwd);
    visit("retry_attempts", it.retry_attempts), visit("lease", it.lease), visit("beat", it.beat);
    visit("join_timeout", it.join_timeout), visit("aws", it.aws);
  }
}

template <class T>
Json to_json(const T& it);

template <class T>
struct Writer {
  static Json write(const T& it) {
    if constexpr (std::is_enum_v<T>) {
      return EnumNames<T>::kNames[static_cast<size_t>(it)];
    } else if constexpr (std::is_same_v<T, Milliseconds>) {
      return it.count();
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return it;
    } else {
      Json object = Json::object();
      fields_of(it, [&](const char* name, const auto& field) { object[name] = to_json(field); });
      return object;
    }
  }
};
template <class T>
struct Writer<std::optional<T>> {
  static Json write(const std::optional<T>& it) { return it ? to_json(*it) : Json(nullptr); }
};
template <class T>
struct Writer<std::vector<T>> {
  static Json write(const std::vector<T>& it) {
    Json list = Json::array();
    for (const T& each : it) list.push_back(to_json(each));
    return list;
  }
};
template <>
struct Writer<std::map<std::string, std::string>> {
  static Json write(const std::map<std::string, std::string>& it) {
    Json object = Json::object();
    for (const auto& [name, value] : it) object[name] = value;
    return object;
  }
};
template <class T>
Json to_json(const T& it) {
  return Writer<T>::write(it);
}

template <class T>
void from_json(const Json& json, T& it, const std::string& where);

constexpr const char* kOtherVersion = "; written by another version of mnp?";

[[noreturn]] void wrong(const std::string& where, const std::string& what) {
  throw Wrong{fmt::format("plan: {}: {}", where.empty() ? "the whole" : where.substr(1), what)};
}

template <class T>
void read_number(const Json& json, T& it, const std::string& where) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) wrong(where, "not true or false");
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!json.is_number()) wrong(where, "not a number");
  } else if constexpr (std::is_unsigned_v<T>) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<T>::max())
      wrong(where, "not a whole number in range");
  } else {
    if (!json.is_number_integer() || !std::in_range<T>(json.get<int64_t>()))
      wrong(where, "not a whole number in range");
  }
  it = json.get<T>();
}

template <class T>
struct Reader {
  static void read(const Json& json, T& it, const std::string& where) {
    if constexpr (std::is_enum_v<T>) {
      const auto& names = EnumNames<T>::kNames;
      const auto* const found = std::find_if(names.begin(), names.end(), [&](const char* name) {
        return json.is_string() && json == name;
      });
      if (found == names.end()) wrong(where, "not a known word");
      it = static_cast<T>(found - names.begin());
    } else if constexpr (std::is_same_v<T, Milliseconds>) {
      int64_t count = 0;
      read_number(json, count, where);
      it = Milliseconds(count);
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) wrong(where, "not text");
      it = json.get<std::string>();
    } else if constexpr (std::is_arithmetic_v<T>) {
      read_number(json, it, where);
    } else {
      read_object(json, it, where);
    }
  }
  static void read_object(const Json& json, T& it, const std::string& where) {
    if (!json.is_object()) wrong(where, "not an object");
    size_t known = 0;
    fields_of(it, [&](const char* name, auto& field) {
      const auto found = json.find(name);
      if (found == json.end()) wrong(where + "." + name, std::string("missing") + kOtherVersion);
      from_json(*found, field, where + "." + name);
      ++known;
    });
    if (known == json.size()) return;
    for (const auto& item : json.items()) {
      bool is_known = false;
      fields_of(it, [&](const char* name, auto&) { is_known = is_known || item.key() == name; });
      if (!is_known) wrong(where + "." + item.key(), std::string("unknown") + kOtherVersion);
    }
  }
};
template <class T>
struct Reader<std::optional<T>> {
  static void read(const Json& json, std::optional<T>& it, const std::string& where) {
    it.reset();
    if (!json.is_null()) from_json(json, it.emplace(), where);
  }
};
template <class T>
struct Reader<std::vector<T>> {
  static void read(const Json& json, std::vector<T>& it, const std::string& where) {
    if (!json.is_array()) wrong(where, "not a list");
    it.clear();
    for (const Json& each : json) {
      const std::string place = fmt::format("{}[{}]", where, it.size());
      from_json(each, it.emplace_back(), place);
    }
  }
};
template <>
struct Reader<std::map<std::string, std::string>> {
  static void read(const Json& json, std::map<std::string, std::string>& it,
                   const std::string& where) {
    if (!json.is_object()) wrong(where, "not an object");
    it.clear();
    for (const auto& item : json.items())
      from_json(item.value(), it[item.key()], where + "." + item.key());
  }
};
template <class T>
void from_json(const Json& json, T& it, const std::string& where) {
  Reader<T>::read(json, it, where);
}

}  // namespace

const StagePlan* Plan::find(const std::string& stage) const {
  const auto found = std::find_if(stages.begin(), stages.end(),
                                  [&](const StagePlan& each) { return each.spec.name == stage; });
  return found == stages.end() ? nullptr : &*found;
}

Result<CommandList> open_list(Store& store, const std::string& key) {
  MNP_TRY(const StoredFile file, store.file(key));
  return CommandList::open(file.path, store.url(key));  // which holds it from now on
}

Result<CommandList> open_list_copy(Store& store, const std::string& key, const fs::path& scratch) {
  MNP_TRY(StoredFile file, store.file(key));
  if (!file.copy) {
    MNP_TRY(TemporaryFolder folder, TemporaryFolder::create("list-", scratch));
    file.copy = std::make_shared<TemporaryFolder>(std::move(folder));
    const fs::path from = std::exchange(file.path, file.copy->path() / "commands.txt");
    std::error_code error;
    fs::copy_file(from, file.path, error);
    if (error)
      return fail(Code::kIo, fmt::format("copy the command list {} to {}: {}", from.string(),
                                         file.path.string(), error.message()));
  }
  return CommandList::open(file.path, store.url(key));
}

Result<CommandList> open_list(Store& store, const RunKeys& run, const StagePlan& stage) {
  if (!stage.spec.program.empty()) return CommandList::of_program(stage.spec.program);
  return open_list(store, StageKeys::of(run, stage.spec.name).commands());
}

std::string plan_to_json(const Plan& plan) {
  return to_json(plan).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Plan> plan_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(Code::kConfig, "not JSON: is it a plan of mnp?");
  Plan plan;
  try {
    from_json(json, plan, "");
  } catch (const Wrong& error) {
    return fail(Code::kConfig, error.text);
  }
  return plan;
}

std::string_view pipeline_of_run(std::string_view id) {
  constexpr size_t kSuffix = std::string_view("-20260131-142501-k3f9").size();
  return id.substr(0, id.size() > kSuffix ? id.size() - kSuffix : 0);
}

std::string make_run_id(const std::string& name) {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::uniform_int_distribution<size_t> pick(0, kLetters.size() - 1);
  std::string suffix;
  for (int i = 0; i < 4; ++i) suffix += kLetters[pick(random)];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return fmt::format("{}-{:%Y%m%d-%H%M%S}-{}", name, utc, suffix);
}

}  // namespace mnp::model
