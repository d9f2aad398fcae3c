#include "aws/profile_file.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-/.%@_:+").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool begins_comment(char c) {
  return c == '#' || c == ';';
}

/// Without a comment, which begins after a blank.
std::string_view without_comment(std::string_view line) {
  for (size_t i = 1; i < line.size(); ++i)
    if (begins_comment(line[i]) && is_blank(line[i - 1])) return line.substr(0, i);
  return line;
}

/// Reads one of the two files into `into`.
class Reader {
 public:
  Reader(bool is_config, Profiles& into) : is_config_(is_config), into_(into) {}
  /// What is wrong with the line; "" when it is right.
  std::string line(std::string_view text);
  /// [default] does not count beside [profile default].
  void end();

 private:
  std::string section(std::string_view text);
  std::string property(std::string_view text);
  std::string continuation(std::string_view text);
  Properties* find_section(std::string_view name);

  const bool is_config_;
  Profiles& into_;
  Properties plain_default_, prefixed_default_;  // of config
  bool has_plain_ = false, has_prefixed_ = false;
  bool in_section_ = false;
  Properties* section_ = nullptr;  // nullptr: of no valid name, skipped
  bool in_property_ = false;
  std::string* property_ = nullptr;  // nullptr: of no valid name, skipped
  bool nested_ = false;              // the property began with an empty value
};

Properties* Reader::find_section(std::string_view name) {
  if (!is_config_) return is_name(name) ? &into_.profiles[std::string(name)] : nullptr;
  if (name == "default") {
    has_plain_ = true;
    return &plain_default_;
  }
  const size_t blank = name.find_first_of(" \t");
  if (blank == std::string_view::npos) return nullptr;
  const std::string_view kind = name.substr(0, blank);
  const std::string_view own = trim(name.substr(blank));
  if (!is_name(own)) return nullptr;
  if (kind == "profile" && own == "default") {
    has_prefixed_ = true;
    return &prefixed_default_;
  }
  if (kind == "profile") return &into_.profiles[std::string(own)];
  if (kind == "sso-session") return &into_.sso_sessions[std::string(own)];
  if (kind == "services") return &into_.services[std::string(own)];
  return nullptr;
}

std::string Reader::section(std::string_view text) {
  const size_t end = text.find(']');
  if (end == std::string_view::npos) return "Profile definition must end with ']'";
  in_section_ = true;
  in_property_ = false;
  section_ = find_section(trim(text.substr(1, end - 1)));
  return "";
}

std::string Reader::property(std::string_view text) {
  if (!in_section_) return "Expected a profile definition";
  text = without_comment(text);
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return "Expected an '=' sign defining a property";
  const std::string_view name = trim(text.substr(0, equals));
  if (name.empty()) return "Property did not have a name";
  in_property_ = true;
  property_ = section_ != nullptr && is_name(name) ? &(*section_)[lower(name)] : nullptr;
  const std::string_view value = trim(text.substr(equals + 1));
  nested_ = value.empty();
  if (property_ != nullptr) *property_ = std::string(value);
  return "";
}

std::string Reader::continuation(std::string_view text) {
  if (!in_section_) return "Expected a profile definition";
  if (!in_property_) return "Expected a property definition, found continuation";
  text = trim(text);
  if (nested_) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return "Expected an '=' sign defining a sub-property";
    if (trim(text.substr(0, equals)).empty()) return "Sub-property did not have a name";
  }
  if (property_ != nullptr) *property_ += "\n" + std::string(text);
  return "";
}

std::string Reader::line(std::string_view text) {
  if (trim(text).empty() || begins_comment(text.front())) return "";
  if (is_blank(text.front())) return continuation(text);
  return text.front() == '[' ? section(text) : property(text);
}

void Reader::end() {
  if (has_prefixed_)
    into_.profiles["default"] = std::move(prefixed_default_);
  else if (has_plain_)
    into_.profiles["default"] = std::move(plain_default_);
}

Status read(const ProfileText& file, bool is_config, Profiles& into) {
  Reader reader(is_config, into);
  size_t number = 0;
  for (const std::string& line : split(file.text, '\n')) {
    ++number;
    std::string_view text = line;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (const std::string wrong = reader.line(text); !wrong.empty())
      return fail(Code::kConfig, fmt::format("{}:{}: {}", file.name, number, wrong));
  }
  reader.end();
  return {};
}

}  // namespace

Result<Profiles> parse_profiles(const ProfileText& config, const ProfileText& credentials) {
  Profiles profiles;
  MNP_CHECK(read(config, true, profiles));
  MNP_CHECK(read(credentials, false, profiles));
  return profiles;
}

Properties sub_properties(std::string_view value) {
  Properties properties;
  for (const std::string& line : split(value, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    properties[lower(trim(std::string_view(line).substr(0, equals)))] =
        std::string(trim(std::string_view(line).substr(equals + 1)));
  }
  return properties;
}

}  // namespace mnp::aws
