// Signature Version 4, in its three stages:
//
//   canonical request -> string to sign -> signature
//
// Source: "AWS Signature Version 4 for API requests", IAM User Guide.
#pragma once

#include <string>
#include <string_view>

#include "aws/credentials.hpp"
#include "aws/http.hpp"

namespace mnp::aws {

/// What a service makes of paths and bodies.
struct SigningRules {
  std::string region;
  std::string service;       // its signing name: "s3", "batch"
  bool normalize = true;     // "/a/./b//" is signed as "/a/b/"; not for S3
  bool encode_again = true;  // the path on the wire is encoded once more; not for S3
  bool hash_header = false;  // x-amz-content-sha256 is sent; always for S3
  /// Whether the signature covers the bytes of what is put. Over TLS, which covers them itself, it
  /// would be once more: a core does 1.9 GB/s, without SHA instructions 0.7.
  enum class SignPut { kAlways, kWithoutTls, kNever };
  SignPut sign_put = SignPut::kAlways;
};
SigningRules s3_signing_rules(std::string region);

/// "20150830T123600Z" of seconds since 1970.
std::string amz_date(double time);

struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  // "host;x-amz-date"
};
/// Of a request as it stands, with its Host from its endpoint. Not signed: Authorization,
/// User-Agent, Expect, Connection and what proxies add.
CanonicalRequest canonical_request(const HttpRequest& request, std::string_view payload_hash,
                                   const SigningRules& rules);
/// `date` as of amz_date.
std::string string_to_sign(std::string_view canonical_request, std::string_view date,
                           const SigningRules& rules);
/// Lower-case hex.
std::string signature(std::string_view string_to_sign, std::string_view date,
                      const SigningRules& rules, std::string_view secret_key);

/// The hash that stands for any body, in requests of S3 that are presigned or go over TLS.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// Adds X-Amz-Date, X-Amz-Security-Token, the hash where the rules ask for it, Authorization.
void sign(HttpRequest& request, const Credentials& credentials, const SigningRules& rules,
          double now);

/// Adds the signature to the query: whoever has the URL may send the request until `expires_in`
/// seconds have passed. All its headers must be sent with it.
void presign(HttpRequest& request, const Credentials& credentials, const SigningRules& rules,
             double now, int expires_in, std::string_view payload_hash);

}  // namespace mnp::aws
