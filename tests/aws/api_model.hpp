// AWS's own description of a service (service-2.json) as a judge of requests and answers.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace mnp::aws {

class ApiModel {
 public:
  explicit ApiModel(const std::string& text) : model_(nlohmann::json::parse(text)) {}

  /// What is wrong with the input or output of an operation; empty: nothing.
  std::vector<std::string> judge_input(const std::string& operation,
                                       const nlohmann::json& value) const {
    return judge(operation, "input", value);
  }
  std::vector<std::string> judge_output(const std::string& operation,
                                        const nlohmann::json& value) const {
    return judge(operation, "output", value);
  }
  std::string path_of(const std::string& operation) const {
    return model_.at("operations").at(operation).at("http").at("requestUri");
  }

 private:
  using Json = nlohmann::json;

  std::vector<std::string> judge(const std::string& operation, const char* side,
                                 const Json& value) const {
    std::vector<std::string> wrong;
    judge_shape(model_.at("operations").at(operation).at(side).at("shape"), value, operation,
                wrong);
    return wrong;
  }

  void judge_shape(const std::string& name, const Json& value, const std::string& place,
                   std::vector<std::string>& wrong) const {
    const Json& shape = model_.at("shapes").at(name);
    const std::string type = shape.at("type");
    if (type == "structure") return judge_structure(shape, value, place, wrong);
    if (type == "list") return judge_list(shape, value, place, wrong);
    if (type == "map") return judge_map(shape, value, place, wrong);
    if (type == "string") return judge_string(shape, value, place, wrong);
    const bool fits = type == "boolean"                     ? value.is_boolean()
                      : type == "integer" || type == "long" ? value.is_number_integer()
                      : type == "double" || type == "float" ? value.is_number()
                      : type == "timestamp"                 ? value.is_number()
                                                            : false;
    if (!fits) wrong.push_back(fmt::format("{} is no {}: {}", place, type, value.dump()));
    if (fits && value.is_number()) judge_range(shape, value.get<double>(), place, wrong);
  }

  static void judge_range(const Json& shape, double size, const std::string& place,
                          std::vector<std::string>& wrong) {
    if (shape.contains("min") && size < shape["min"].get<double>())
      wrong.push_back(fmt::format("{} is below its least: {}", place, size));
    if (shape.contains("max") && size > shape["max"].get<double>())
      wrong.push_back(fmt::format("{} is above its most: {}", place, size));
  }

  void judge_structure(const Json& shape, const Json& value, const std::string& place,
                       std::vector<std::string>& wrong) const {
    if (!value.is_object()) return wrong.push_back(place + " is no structure");
    const Json members = shape.value("members", Json::object());
    for (const Json& name : shape.value("required", Json::array()))
      if (!value.contains(name.get<std::string>()))
        wrong.push_back(place + " lacks " + name.get<std::string>());
    for (const auto& [name, member] : value.items()) {
      if (!members.contains(name))
        wrong.push_back(place + " knows no " + name);
      else
        judge_shape(members.at(name).at("shape"), member, place + "." + name, wrong);
    }
  }

  void judge_list(const Json& shape, const Json& value, const std::string& place,
                  std::vector<std::string>& wrong) const {
    if (!value.is_array()) return wrong.push_back(place + " is no list");
    judge_range(shape, static_cast<double>(value.size()), place, wrong);
    for (size_t i = 0; i < value.size(); ++i)
      judge_shape(shape.at("member").at("shape"), value[i], fmt::format("{}[{}]", place, i), wrong);
  }

  void judge_map(const Json& shape, const Json& value, const std::string& place,
                 std::vector<std::string>& wrong) const {
    if (!value.is_object()) return wrong.push_back(place + " is no map");
    judge_range(shape, static_cast<double>(value.size()), place, wrong);
    for (const auto& [key, member] : value.items()) {
      judge_shape(shape.at("key").at("shape"), key, place + " key", wrong);
      judge_shape(shape.at("value").at("shape"), member, place + "." + key, wrong);
    }
  }

  static void judge_string(const Json& shape, const Json& value, const std::string& place,
                           std::vector<std::string>& wrong) {
    if (!value.is_string()) return wrong.push_back(place + " is no string: " + value.dump());
    const std::string text = value;
    judge_range(shape, static_cast<double>(text.size()), place, wrong);
    if (shape.contains("enum")) {
      const std::set<std::string> known = shape["enum"];
      if (known.count(text) == 0) wrong.push_back(place + " may not be " + text);
    }
  }

  Json model_;
};

}  // namespace mnp::aws
