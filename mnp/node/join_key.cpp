#include "mnp/node/join_key.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>

#include "mnp/core/text.hpp"

namespace mnp::node {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kSalt = "mnp join key 1";

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

}  // namespace

JoinKey::~JoinKey() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

bool JoinKey::operator==(const JoinKey& other) const {
  return CRYPTO_memcmp(bytes_.data(), other.bytes_.data(), kBytes) == 0;
}

Result<JoinKey> JoinKey::make() {
  JoinKey key;
  if (RAND_bytes(key.bytes_.data(), static_cast<int>(kBytes)) != 1)
    return fail(Code::kIo, "the system's random generator failed");
  return key;
}

Result<JoinKey> JoinKey::parse(std::string_view text) {
  const std::string_view digits = trim(text);
  if (digits.size() != 2 * kBytes) return fail(Code::kConfig, "a join key has 64 hex digits");
  JoinKey key;
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t value = kHexDigits.find(digits[i]);
    if (value == std::string_view::npos)
      return fail(Code::kConfig, "a join key has 64 lower-case hex digits");
    unsigned char& byte = key.bytes_[i / 2];
    byte = static_cast<unsigned char>(byte << 4 | value);
  }
  return key;
}

Result<JoinKey> JoinKey::derive(std::string_view secret, std::string_view job, uint32_t attempt) {
  if (secret.empty()) return fail(Code::kConfig, "the join secret is empty");
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr, EVP_KDF_CTX_free);
  if (!context) return fail(Code::kIo, "OpenSSL has no HKDF");
  const std::string info = "mnp1|" + std::string(job) + "|" + std::to_string(attempt);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               octets(OSSL_KDF_PARAM_KEY, secret),
                               octets(OSSL_KDF_PARAM_SALT, kSalt),
                               octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  JoinKey key;
  if (EVP_KDF_derive(context.get(), key.bytes_.data(), kBytes, params) != 1)
    return fail(Code::kIo, "HKDF failed");
  return key;
}

std::string JoinKey::text() const {
  std::string digits;
  digits.reserve(2 * kBytes);
  for (const unsigned char byte : bytes_) {
    digits.push_back(kHexDigits[byte >> 4]);
    digits.push_back(kHexDigits[byte & 15]);
  }
  return digits;
}

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace mnp::node
