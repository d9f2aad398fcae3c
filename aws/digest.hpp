// Hashes as requests to AWS carry them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace mnp::aws {

/// SHA-256 (FIPS 180-4): 32 bytes.
std::string sha256(std::string_view bytes);
/// SHA-256 of what comes piece by piece.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  /// 32 bytes; once.
  std::string finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};
/// HMAC-SHA256 (RFC 2104): 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// MD5 (RFC 1321): 16 bytes. Only where S3 asks for it: it protects against nobody.
std::string md5(std::string_view bytes);
/// SHA-1 (FIPS 180-4): 20 bytes. Only for names that the AWS CLI has made with it.
std::string sha1(std::string_view bytes);
/// Lower-case hex digits.
std::string hex(std::string_view bytes);
/// Base64 with padding (RFC 4648, section 4).
std::string base64(std::string_view bytes);

}  // namespace mnp::aws
