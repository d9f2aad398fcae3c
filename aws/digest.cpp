#include "aws/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "mnp/core/result.hpp"

namespace mnp::aws {
namespace {

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  const bool done =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
                 kind, nullptr) == 1;
  MNP_ASSERT(done, "a hash of OpenSSL failed");
  out.resize(size);
  return out;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  return digest(EVP_sha256(), bytes);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
  const bool done = EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  MNP_ASSERT(done, "a hash of OpenSSL failed");
}

void Sha256::add(std::string_view bytes) {
  const bool done = EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  MNP_ASSERT(done, "a hash of OpenSSL failed");
}

std::string Sha256::finish() {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  const bool done =
      EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1;
  MNP_ASSERT(done, "a hash of OpenSSL failed");
  out.resize(size);
  return out;
}

std::string md5(std::string_view bytes) {
  return digest(EVP_md5(), bytes);
}

std::string sha1(std::string_view bytes) {
  return digest(EVP_sha1(), bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &size);
  MNP_ASSERT(done != nullptr, "HMAC of OpenSSL failed");
  out.resize(size);
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

}  // namespace mnp::aws
