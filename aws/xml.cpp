#include "aws/xml.hpp"

#include <pugixml.hpp>

#include <fmt/format.h>

namespace mnp::aws {
namespace {

/// Without a prefix: answers are in one namespace each.
constexpr unsigned kParse = pugi::parse_default | pugi::parse_ws_pcdata_single;

pugi::xml_node node_of(void* inner) {
  return pugi::xml_node(static_cast<pugi::xml_node_struct*>(inner));
}

}  // namespace

XmlElement::XmlElement(const pugi::xml_node& node) : node_(node.internal_object()) {}

bool XmlElement::exists() const {
  return node_ != nullptr;
}

std::string_view XmlElement::name() const {
  return node_of(node_).name();
}

std::string XmlElement::text(const char* path) const {
  return node_of(node_).first_element_by_path(path).child_value();
}

std::string XmlElement::text() const {
  return node_of(node_).child_value();
}

XmlElement XmlElement::child(const char* name) const {
  return XmlElement(node_of(node_).child(name));
}

void XmlElement::for_each(const char* name,
                          const std::function<void(const XmlElement&)>& what) const {
  for (const pugi::xml_node& node : node_of(node_).children(name)) what(XmlElement(node));
}

XmlDocument::XmlDocument(std::unique_ptr<pugi::xml_document> document)
    : document_(std::move(document)) {}
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;
XmlDocument::~XmlDocument() = default;

Result<XmlDocument> XmlDocument::parse(std::string_view text) {
  auto document = std::make_unique<pugi::xml_document>();
  const auto parsed = document->load_buffer(text.data(), text.size(), kParse);
  if (!parsed)
    return fail(Code::kProtocol,
                fmt::format("no XML at byte {}: {}", parsed.offset, parsed.description()));
  if (!document->document_element()) return fail(Code::kProtocol, "XML without an element");
  return XmlDocument(std::move(document));
}

XmlElement XmlDocument::root() const {
  return XmlElement(document_->document_element());
}

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      case '\r':
        out += "&#13;";
        break;  // a parser would make it a line's end
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace mnp::aws
