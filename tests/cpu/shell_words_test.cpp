#include "cpu/shell_words.hpp"

#include <gtest/gtest.h>

#include "running.hpp"

namespace mnp::cpu {
namespace {

using Words = std::vector<std::string>;

TEST(ShellWords, SplitsPlainLines) {
  EXPECT_EQ(plain_words("/bin/ls -l a.b"), (Words{"/bin/ls", "-l", "a.b"}));
  EXPECT_EQ(plain_words("  tomo\t--in=x:y,z   a@b%c^d+e_f "),
            (Words{"tomo", "--in=x:y,z", "a@b%c^d+e_f"}));
  EXPECT_EQ(plain_words("a b#c"), (Words{"a", "b#c"}));
}

TEST(ShellWords, TakesQuotesOffWhereTheyHoldLiterals) {
  EXPECT_EQ(plain_words("a 'b c' \"d  e\" f'g'\"h\" '' \"\""),
            (Words{"a", "b c", "d  e", "fgh", "", ""}));
  EXPECT_EQ(plain_words(R"(a '$HOME `x` \ "')"), (Words{"a", "$HOME `x` \\ \""}));
}

TEST(ShellWords, LeavesAllElseToTheShell) {
  for (const char* line :
       {"",       "   ",       "a;b",        "a && b",   "a | b",    "a > b", "a 2>&1",
        "a < b",  "a &",       "(a)",        "a $b",     "a `b`",    "a ~",   "a b=~",
        "a *",    "a ?",       "a [b]",      "a {b,c}",  "A=b c",    "a # b", "#a",
        "a \\ b", "a \"$b\"",  "a \"\\\"\"", "a \"b!\"", "a 'b",     "a \"b", "echo a",
        "cd /",   "test -e x", "[ 1 ]",      "if x",     "! a",      "{ a",   "time a",
        "exec a", ". a",       ": a",        "kill 1",   "printf a", "'' a",  "'A=b' c",
        "a\nb",   "a\rb",      "a \xc3\xa9", "a '\x01'", "true",     "false", "a b\r"})
    EXPECT_FALSE(plain_words(line)) << line;
}

/// Each line, as run_line starts it and as `/bin/sh -c` does, prints the same and ends the same.
class SameAsShell : public testing::TestWithParam<const char*> {};

TEST_P(SameAsShell, PrintsAndEndsAlike) {
  const Start plain = start_of(GetParam());
  Start shell = plain;
  shell.argv = {"/bin/sh", "-c", "--", shell.line};
  const Ran ran = run_start(plain), expected = run_start(shell);
  EXPECT_EQ(ran.text, expected.text);
  EXPECT_EQ(ran.finished.ending, expected.finished.ending);
}

/// dash would turn this into status 143 and a line of output; the signal itself says more.
TEST(PlainStart, TellsTheSignalThatAShellWouldHide) {
  EXPECT_EQ(run_line("sh -c 'kill -15 $$'").finished.ending, signalled(15));
}

INSTANTIATE_TEST_SUITE_P(
    TrickyLines, SameAsShell,
    testing::Values(
        "/bin/echo plain", "/usr/bin/printf %s-%s\\n a b", "/usr/bin/printf '%s|' a 'b c' \"d e\"",
        "/usr/bin/printf '[%s]' '' \"\" x", "/usr/bin/printf '[%s]' a'b'\"c\"d",
        "/usr/bin/printf '[%s]' --x='a b'", "/usr/bin/printf '%s' '$HOME `id` \\n \"'",
        "/usr/bin/printf '[%s]' a#b '#' x#", "/usr/bin/printf '[%s]' a # comment", "env | sort",
        "/usr/bin/printenv PATH PWD MARK", "/bin/pwd", "pwd", "echo $MARK",
        "echo \"$MARK\" '$MARK'", "echo a > /dev/null", "echo error >&2", "echo *",
        "/bin/echo /etc/host*", "/bin/echo ~", "/bin/echo a=~ ~root", "/bin/echo {a,b}",
        "/bin/echo a{b", "/bin/echo a! !b", "A=1 /usr/bin/env", "A=1; echo $A", "exit 7",
        "sh -c 'exit 9'", "kill -15 $$", "sh -c 'kill -11 $$'; echo $?", "true", "false",
        "/bin/true", "/bin/false", "true --help", "test 1 -eq 2", "[ 1 -eq 1 ]", "! true",
        "cd /; pwd", "cd /usr && ls -d bin", "no-such-program", "no-such-program a 'b c'",
        "/no/such/program", "./no-such-program", "/tmp", "/etc/passwd",
        "if true; then echo yes; fi", "for i in 1 2; do echo $i; done", "{ echo a; }",
        "(echo a; exit 4)", "echo a | cat | wc -c", "cat", "wc -c", "read x; echo $?",
        "echo \"a\\\"b\"", "/bin/echo 'unfinished", "/bin/echo \"unfinished", "/bin/echo `echo a`",
        "/bin/echo $((1+2))", "/bin/echo a\\ b", "/bin/echo a;/bin/echo b", "/bin/echo a&&false",
        "sleep 0 &", "umask", "ulimit -n", "type cat", "command -v cat", "echo $0", "echo $# $@",
        ":", "#only a comment", "   ", "  /bin/echo   spaced\tout  ", "/bin/echo \xc3\xa9t\xc3\xa9",
        "/bin/echo -e 'a\\tb'", "echo -n a", "-x", "+x", "ls -l /proc/self/fd/0 | sed 's/.*->//'",
        "exec /bin/echo a", "eval 'echo a'", "/bin/echo %1 %", "/bin/echo a:b c=d e,f g@h i^j",
        "/bin/echo ''a", "'/bin/echo' a", "\"/bin/echo\" a", "'ec'ho a", "nohup /bin/echo a",
        "time /bin/true >/dev/null 2>&1", "/bin/echo a\rb", "/bin/echo '", "/bin/echo )",
        "trap 'echo bye' EXIT; true", "set -e; false; echo no"));

}  // namespace
}  // namespace mnp::cpu
