// The limit that the product is measured against: every line of a list started by vfork and execve
// with SLOTS in flight, in list order, and nothing else. Output goes to /dev/null.
//
//   bare_loop LIST SLOTS [--shell]     words are split at blanks; --shell: through /bin/sh -c
//
// Prints the seconds from the first start to the last end.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

extern char** environ;

namespace {

using Words = std::vector<std::string>;

std::vector<Words> read_list(const char* path, bool shell) {
  std::vector<Words> list;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (const size_t hint = line.rfind(" # cost="); hint != std::string::npos) line.resize(hint);
    if (line.empty() || line[0] == '#') continue;
    Words words{"/bin/sh", "-c", line};
    if (!shell) {
      words.clear();
      std::istringstream text(line);
      for (std::string word; text >> word;) words.push_back(word);
    }
    list.push_back(std::move(words));
  }
  return list;
}

/// A function of its own: what vfork's child shares must not be the loop's variables.
[[gnu::noinline]] void vfork_and_execute(char** argv) {
  if (::vfork() == 0) {
    ::execve(argv[0], argv, environ);
    ::_exit(127);
  }
}

bool wait_for_one() {
  int status = 0;
  return ::waitpid(-1, &status, 0) > 0 && status == 0;
}

bool run(std::vector<Words>& list, size_t slots) {
  std::vector<char*> argv;
  size_t started = 0, ended = 0;
  while (ended < list.size()) {
    if (started < list.size() && started - ended < slots) {
      argv.clear();
      for (std::string& word : list[started++]) argv.push_back(word.data());
      argv.push_back(nullptr);
      vfork_and_execute(argv.data());
    } else if (wait_for_one()) {
      ++ended;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const bool shell = argc == 4 && std::strcmp(argv[3], "--shell") == 0;
  const int slots = argc > 2 ? std::atoi(argv[2]) : 0;
  if (slots < 1 || (argc != 3 && !shell)) {
    std::fprintf(stderr, "usage: bare_loop LIST SLOTS [--shell]\n");
    return 2;
  }
  auto list = read_list(argv[1], shell);
  const int output = ::dup(1), nowhere = ::open("/dev/null", O_WRONLY);
  ::fcntl(output, F_SETFD, FD_CLOEXEC);
  ::dup2(nowhere, 1);
  const auto begun = std::chrono::steady_clock::now();
  const bool good = run(list, static_cast<size_t>(slots));
  const std::chrono::duration<double> span = std::chrono::steady_clock::now() - begun;
  ::dup2(output, 1);
  if (!good) std::fprintf(stderr, "bare_loop: a command failed\n");
  std::printf("%.6f\n", span.count());
  return good ? 0 : 1;
}
