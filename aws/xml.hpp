// Answers of S3, STS and CloudFormation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "mnp/core/result.hpp"

namespace pugi {
class xml_document;
class xml_node;
}  // namespace pugi

namespace mnp::aws {

/// An element, or none; lives as long as its document.
class XmlElement {
 public:
  explicit XmlElement(const pugi::xml_node& node);
  bool exists() const;
  std::string_view name() const;
  /// The text of the element at a path such as "Error/Code"; "" where there is none.
  std::string text(const char* path) const;
  std::string text() const;
  XmlElement child(const char* name) const;
  void for_each(const char* name, const std::function<void(const XmlElement&)>& what) const;

 private:
  void* node_;  // of pugixml
};

class XmlDocument {
 public:
  /// kProtocol: it is none.
  static Result<XmlDocument> parse(std::string_view text);
  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  ~XmlDocument();
  XmlElement root() const;

 private:
  explicit XmlDocument(std::unique_ptr<pugi::xml_document> document);
  std::unique_ptr<pugi::xml_document> document_;
};

/// Text with & < > " ' escaped.
std::string xml_escape(std::string_view text);

}  // namespace mnp::aws
