#include "mnp/core/result.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mnp {

const CodeInfo& code_info(Code code) {
  // In the order of the enum. Statuses are those of the README; 3x is what AWS Batch retries.
  static constexpr std::array<CodeInfo, 19> kTable = {{
      {"usage", 2, false, "see --help"},
      {"config", 20, false, ""},
      {"not-found", 20, false, ""},
      {"exists", 20, false, ""},
      {"io", 20, false, ""},
      {"store", 32, true,
       "check that the store can be reached and written, and that it is not full"},
      {"protocol", 70, false, "are all nodes of the same version of mnp?"},
      {"denied", 20, false, "all nodes of a job must read the same join key or MNP_JOIN_SECRET"},
      {"timeout", 12, false, ""},
      {"closed", 31, true, ""},
      {"commands-failed", 10, false,
       "`mnp logs RUN --failed` shows what they printed; `mnp resume RUN` runs them again"},
      {"program-failed", 11, false, "`mnp logs RUN` shows what it printed"},
      {"stage-timeout", 12, false, "raise stage_timeout or stall_timeout, then `mnp resume RUN`"},
      {"join-timeout", 30, true, "raise join_timeout, or lower min_nodes to start with fewer"},
      {"nodes-lost", 31, true, "`mnp resume RUN` goes on with what is not kept yet"},
      {"mpi", 34, true, "run `mpirun` between two nodes by hand; see the node's log for its words"},
      {"stopped", 40, false, ""},
      {"superseded", 40, false, "a newer main owns this stage; nothing is lost"},
      {"bug", 70, false, "please report this with the log"},
  }};
  static_assert(kTable.size() == static_cast<size_t>(Code::kBug) + 1);
  return kTable[static_cast<size_t>(code)];
}

tl::unexpected<Error> fail_errno(std::string_view what) {
  const int number = errno;
  const Code code = number == ENOENT   ? Code::kNotFound
                    : number == EEXIST ? Code::kExists
                                       : Code::kIo;
  return fail(code, std::string(what) + ": " + std::strerror(number));
}

void assertion_failed(const char* condition, const char* file, int line, std::string_view message) {
  std::fprintf(stderr, "%s:%d: bug in mnp: %.*s (%s is false)\n", file, line,
               static_cast<int>(message.size()), message.data(), condition);
  std::abort();
}

}  // namespace mnp
