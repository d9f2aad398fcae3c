#include "aws/xml.hpp"

#include <gtest/gtest.h>

namespace mnp::aws {
namespace {

TEST(Xml, FindsElementsByPath) {
  const auto document = XmlDocument::parse(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><List xmlns=\"http://s3/\"><Key>a&amp;b</Key>"
      "<Item><Size>1</Size></Item><Item><Size>2</Size></Item><Blank> </Blank></List>");
  ASSERT_TRUE(document) << document.error().text;
  const XmlElement root = document->root();
  EXPECT_EQ(root.name(), "List");
  EXPECT_EQ(root.text("Key"), "a&b");
  EXPECT_EQ(root.text("Item/Size"), "1");
  EXPECT_EQ(root.text("Blank"), " ");
  EXPECT_EQ(root.text("None/At/All"), "");
  EXPECT_FALSE(root.child("None").exists());
  EXPECT_FALSE(root.child("None").child("Deeper").exists());
  std::string sizes;
  root.for_each("Item", [&](const XmlElement& item) { sizes += item.text("Size"); });
  EXPECT_EQ(sizes, "12");
}

TEST(Xml, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "<a>", "<a></b>", "<a", "<!-- -->"})
    EXPECT_FALSE(XmlDocument::parse(text)) << text;
}

TEST(Xml, ReadsBackWhatItEscapes) {
  const std::string odd = "a<b>&\"'\r\n]]>";
  const auto document = XmlDocument::parse("<k>" + xml_escape(odd) + "</k>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().text(), odd);
}

}  // namespace
}  // namespace mnp::aws
