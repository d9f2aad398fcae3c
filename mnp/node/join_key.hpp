// The key that the nodes of one attempt share: made by main, or derived from a secret.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mnp/core/result.hpp"

namespace mnp::node {

/// 256 secret bits. Wiped when it goes; has no way to be printed but `text`, which is for join.key.
class JoinKey {
 public:
  static constexpr size_t kBytes = 32;

  /// From the system's random generator.
  static Result<JoinKey> make();
  /// Reads what `text` wrote; white space around it is allowed. The error does not quote it.
  static Result<JoinKey> parse(std::string_view text);
  /// HKDF-SHA256 (RFC 5869) of a secret of any length, with job id and attempt as info.
  static Result<JoinKey> derive(std::string_view secret, std::string_view job, uint32_t attempt);

  JoinKey(const JoinKey& other) = default;
  JoinKey& operator=(const JoinKey& other) = default;
  ~JoinKey();

  /// 64 lower-case hex digits.
  std::string text() const;
  const std::array<unsigned char, kBytes>& bytes() const { return bytes_; }
  bool operator==(const JoinKey& other) const;  // in constant time

 private:
  JoinKey() = default;
  std::array<unsigned char, kBytes> bytes_{};
};

/// Overwrites a secret before its memory is given back.
void wipe(std::string& secret);

}  // namespace mnp::node
