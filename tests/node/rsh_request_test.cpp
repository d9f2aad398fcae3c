// Golden cases: rsh_cases/<name>/arguments is what the launcher gave its agent, one argument a
// line; rsh_cases/<name>/request is what was understood, or the error.
#include "mnp/node/rsh_request.hpp"

#include <gtest/gtest.h>

#include "mnp/core/files.hpp"
#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

std::string shown(const Result<SpawnRequest>& request) {
  if (!request) return "error " + request.error().text + "\n";
  std::string text = "host " + request->host + "\nprogram " + request->program + "\n";
  for (const auto& [name, pieces] : request->env) {
    text += "env " + name + "=";
    for (const EnvPiece& piece : pieces)
      text += piece.reference ? "<" + piece.text + ">" : piece.text;
    text += "\n";
  }
  for (const std::string& argument : request->args) text += "arg " + argument + "\n";
  return text;
}

class RshCase : public testing::TestWithParam<std::string> {};

TEST_P(RshCase, IsUnderstood) {
  const fs::path folder = fs::path(RSH_CASES) / GetParam();
  std::vector<std::string> arguments = split(*read_file(folder / "arguments"), '\n');
  arguments.pop_back();  // behind the last line
  const auto expected = read_file(folder / "request");
  ASSERT_TRUE(expected) << expected.error().text;
  EXPECT_EQ(shown(parse_rsh_arguments(arguments)), *expected);
}

INSTANTIATE_TEST_SUITE_P(, RshCase, testing::ValuesIn(*list_folder(RSH_CASES)),
                         [](const auto& each) { return each.param; });

std::string error_of(const std::vector<std::string>& arguments) {
  const auto request = parse_rsh_arguments(arguments);
  return request ? "" : request.error().text;
}

TEST(RshRequest, OneArgumentOrManyIsTheSame) {
  const auto many = parse_rsh_arguments({"10.0.0.7", "orted", "-mca", "ess", "\"env\""});
  const auto one = parse_rsh_arguments({"10.0.0.7", " orted -mca ess \"env\""});
  ASSERT_TRUE(many && one);
  EXPECT_EQ(*many, *one);
}

TEST(RshRequest, NeverReachesAShell) {
  for (const char* command :
       {"orted; rm -rf /", "orted && id", "orted | sh", "orted > /tmp/x", "orted $(id)",
        "orted `id`", "orted -mca ess \"$(id)\"", "orted -mca ess $HOME", "orted & id",
        "( orted )", "orted )", "( test ! -r ./.other || . ./.other; orted )", "orted\nid",
        "PATH=/x orted", "PATH=/x ; orted", "PATH=/x ; export HOME ; orted", "sh -c orted",
        "bash", "/bin/sh", "env orted", "exec orted", "./orted", "bin/orted", ""})
    EXPECT_NE(error_of({"10.0.0.7", command}), "") << command;
}

TEST(RshRequest, HostsAndOptions) {
  EXPECT_EQ(error_of({"-x", "-q", "10.0.0.7", "orted"}), "");
  EXPECT_NE(error_of({}), "");
  EXPECT_NE(error_of({"-x"}), "");
  EXPECT_NE(error_of({"10.0.0.7"}), "");
  EXPECT_NE(error_of({"-o", "ProxyCommand=id", "10.0.0.7", "orted"}).find("-o"),
            std::string::npos);
  EXPECT_NE(error_of({"me@10.0.0.7", "orted"}), "");
  EXPECT_NE(error_of({"a b", "orted"}), "");
}

TEST(RshRequest, HasALimit) {
  EXPECT_NE(error_of({"10.0.0.7", "orted", std::string(kMaxRequest, 'x')}), "");
  EXPECT_NE(error_of(std::vector<std::string>(kMaxArguments + 1, "-x")), "");
}

}  // namespace
}  // namespace mnp::node
