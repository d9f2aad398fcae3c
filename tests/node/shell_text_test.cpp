#include "mnp/node/shell_text.hpp"

#include <gtest/gtest.h>

namespace mnp::node {
namespace {

/// Words in [], references in <>, operators as they are.
std::string shown(std::string_view text) {
  const auto tokens = read_shell_text(text);
  if (!tokens) return "error: " + tokens.error().text;
  std::string result;
  for (const ShellToken& token : *tokens) {
    switch (token.kind) {
      case ShellToken::Kind::kSemicolon: result += ";"; continue;
      case ShellToken::Kind::kOpen: result += "("; continue;
      case ShellToken::Kind::kClose: result += ")"; continue;
      case ShellToken::Kind::kOr: result += "||"; continue;
      case ShellToken::Kind::kWord: break;
    }
    result += "[";
    for (const EnvPiece& piece : token.pieces)
      result += piece.reference ? "<" + piece.text + ">" : piece.text;
    result += "]";
  }
  return result;
}

TEST(ShellText, WordsQuotesAndOperators) {
  EXPECT_EQ(shown("  a  b;c ; (d)||e"), "[a][b];[c];([d])||[e]");
  EXPECT_EQ(shown("\"a b\"'c;$d'e \"\" ''"), "[a bc;$de][][]");
  EXPECT_EQ(shown("\"prterun-main-1@0.0;tcp6://[fd00::2]:1\""),
            "[prterun-main-1@0.0;tcp6://[fd00::2]:1]");
}

TEST(ShellText, References) {
  EXPECT_EQ(shown("PATH=/a:$PATH:/b"), "[PATH=/a:<PATH>:/b]");
  EXPECT_EQ(shown("${A}${B:-}\"$C\""), "[<A><B><C>]");
}

TEST(ShellText, EverythingElseIsAnError) {
  for (const char* text :
       {"a`id`", "$(id)", "${A:-x}", "${A", "$1", "$", "$$", "a|b", "a&b", "a&&b", "a>b", "<b",
        "a\nb", "*", "?", "~", "[a]", "{a,b}", "\\a", "#", "\"a", "'a", "\"\\a\"", "\"`id`\"",
        "\"$(id)\"", "\"a\x01\"", "\xc3\xa4"})
    EXPECT_EQ(shown(text).rfind("error: ", 0), 0U) << text << " -> " << shown(text);
  EXPECT_EQ(shown(std::string_view("a\0b", 3)).rfind("error: ", 0), 0U);
}

TEST(ShellText, ErrorsSayWhere) {
  EXPECT_EQ(shown("good `bad`"), "error: a character with a meaning for shells at: `bad`");
}

}  // namespace
}  // namespace mnp::node
