// Errors as values: what went wrong (Code), said for a person (text), and what follows from it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace mnp {

/// What kind of thing went wrong. `code_info` maps each to an exit status and a hint.
enum class Code {
  kUsage,             // the command line is wrong
  kConfig,            // pipeline file, list, environment or credentials are wrong
  kNotFound,          // a file, object, run or process is not there
  kExists,            // create-only-if-absent met something
  kIo,                // a system call failed on this machine
  kStore,             // the store could not be reached or refused to commit
  kProtocol,          // a peer sent what it must not send
  kDenied,            // a peer has not proved who it is
  kTimeout,           // a deadline passed
  kClosed,            // the peer closed the connection
  kCommandsFailed,    // more commands failed than allowed
  kProgramFailed,     // the SPMD program failed
  kStageTimeout,      // stage_timeout or stall_timeout passed
  kJoinTimeout,       // nodes are missing after join_timeout
  kNodesLost,         // fewer nodes alive than min_alive, or a program's restarts are used up
  kMpi,               // the MPI world could not be formed
  kStopped,           // SIGTERM, Ctrl-C or `mnp stop`
  kSuperseded,        // a newer main owns the stage
  kBug,               // our mistake
};

struct Error {
  Code code = Code::kBug;
  std::string text;

  /// The same error with more context in front: `submit: batch: 403 AccessDenied`.
  Error within(std::string_view context) const& {
    return {code, std::string(context) + ": " + text};
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// `return fail(Code::kIo, "cannot open " + path);`
inline tl::unexpected<Error> fail(Code code, std::string text) {
  return tl::unexpected<Error>(Error{code, std::move(text)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

/// An error of the last system call: "<what>: <strerror(errno)>", code kNotFound for ENOENT,
/// kExists for EEXIST, else kIo.
tl::unexpected<Error> fail_errno(std::string_view what);

struct CodeInfo {
  std::string_view name;
  int exit_status;        // exit status of a program that ends with this error
  bool retry;             // whether another attempt may do better
  std::string_view hint;  // what to do; may be empty
};
const CodeInfo& code_info(Code code);

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   std::string_view message);

}  // namespace mnp

#define MNP_CONCAT_(a, b) a##b
#define MNP_CONCAT(a, b) MNP_CONCAT_(a, b)

/// `MNP_TRY(auto value, function());` declares value, or returns the error from here.
#define MNP_TRY(declaration, ...)                                               \
  auto MNP_CONCAT(mnp_try_, __LINE__) = (__VA_ARGS__);                          \
  if (!MNP_CONCAT(mnp_try_, __LINE__))                                          \
    return ::mnp::fail(std::move(MNP_CONCAT(mnp_try_, __LINE__)).error());      \
  declaration = std::move(*MNP_CONCAT(mnp_try_, __LINE__))

/// `MNP_CHECK(function());` for a Status: returns the error from here.
#define MNP_CHECK(...)                                              \
  do {                                                              \
    auto mnp_check_ = (__VA_ARGS__);                                \
    if (!mnp_check_) return ::mnp::fail(std::move(mnp_check_).error()); \
  } while (false)

/// For mistakes of ours only, in every build: prints and aborts.
#define MNP_ASSERT(condition, message) \
  ((condition) ? (void)0 : ::mnp::assertion_failed(#condition, __FILE__, __LINE__, message))
