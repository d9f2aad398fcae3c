#include "aws/endpoints.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

struct Partition {
  std::string_view region_prefix;  // of its regions; the first that fits counts
  std::string_view suffix;
  std::string_view dual_stack_suffix;  // "" where there is no dual stack
};
constexpr std::array<Partition, 9> kPartitions = {{
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"us-gov-", "amazonaws.com", "api.aws"},
    {"us-iso-", "c2s.ic.gov", ""},
    {"us-isob-", "sc2s.sgov.gov", ""},
    {"eu-isoe-", "cloud.adc-e.uk", ""},
    {"us-isof-", "csp.hci.ic.gov", ""},
    {"eu-isof-", "csp.hci.ic.gov", ""},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"", "amazonaws.com", "api.aws"},
}};

const Partition& partition_of(std::string_view region) {
  return *std::find_if(kPartitions.begin(), kPartitions.end(), [&](const Partition& partition) {
    return starts_with(region, partition.region_prefix);
  });
}

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

/// Whether a bucket's name can stand in front of a host's. A certificate covers no dots.
bool can_be_host(std::string_view bucket, bool dots) {
  if (bucket.size() < 3 || bucket.size() > 63 || is_ipv4(std::string(bucket))) return false;
  const std::vector<std::string> labels = split(bucket, '.');
  return (dots || labels.size() == 1) &&
         std::all_of(labels.begin(), labels.end(), [](const std::string& label) {
           return is_label(label) && std::all_of(label.begin(), label.end(), [](char c) {
                    return is_lower_or_digit(c) || c == '-';
                  });
         });
}

Status check(const EndpointOptions& options, bool needs_region) {
  if (options.region.empty() && needs_region)
    return fail(Code::kConfig, "no region: set AWS_REGION, or region in the profile");
  if (!options.region.empty() && !is_label(options.region))
    return fail(Code::kConfig, fmt::format("'{}' is no region", options.region));
  if (options.custom.empty()) return {};
  if (options.fips || options.dual_stack)
    return fail(Code::kConfig,
                fmt::format("a custom endpoint ({}) cannot be combined with {}", options.custom,
                            options.dual_stack ? "dual stack" : "FIPS"));
  return {};
}

Endpoint https(std::string host) {
  return {"https", std::move(host), "", ""};
}

std::string fips_host(std::string_view service, const std::string& region,
                      const Partition& partition) {
  if (partition.region_prefix == "us-gov-")
    return fmt::format("{}.{}.{}", service, region, partition.suffix);
  if (service == "batch" && partition.region_prefix.empty())
    return fmt::format("fips.batch.{}.{}", region, partition.suffix);
  return fmt::format("{}-fips.{}.{}", service, region, partition.suffix);
}

tl::unexpected<Error> no_dual_stack(const std::string& region) {
  return fail(Code::kConfig, fmt::format("there is no dual stack in region {}", region));
}

Result<Endpoint> s3_itself(const EndpointOptions& options) {
  if (!options.custom.empty()) return Endpoint::parse(options.custom);
  const Partition& partition = partition_of(options.region);
  if (options.fips && partition.region_prefix == "cn-")
    return fail(Code::kConfig, fmt::format("S3 has no FIPS endpoint in region {}", options.region));
  if (options.dual_stack && partition.dual_stack_suffix.empty())
    return no_dual_stack(options.region);
  return https(fmt::format("s3{}{}.{}.{}", options.fips ? "-fips" : "",
                           options.dual_stack ? ".dualstack" : "", options.region,
                           partition.suffix));
}

/// What is no general purpose bucket is reached by rules of its own.
Status check_bucket(std::string_view bucket) {
  const auto ends_with = [&](std::string_view end) {
    return bucket.size() > end.size() && bucket.substr(bucket.size() - end.size()) == end;
  };
  std::string_view what;
  if (starts_with(bucket, "arn:"))
    what = "an ARN";
  else if (ends_with("--x-s3") || ends_with("--xa-s3"))
    what = "a directory bucket (S3 Express One Zone)";
  else if (ends_with("--op-s3"))
    what = "an access point of S3 on Outposts";
  if (what.empty()) return {};
  return fail(Code::kConfig, fmt::format("'{}' is {}, which is not supported; name a general "
                                         "purpose bucket",
                                         bucket, what));
}

}  // namespace

Result<Endpoint> service_endpoint(std::string_view service, const EndpointOptions& options) {
  MNP_CHECK(check(options, options.custom.empty()));
  if (!options.custom.empty()) return Endpoint::parse(options.custom);
  const Partition& partition = partition_of(options.region);
  if (!options.dual_stack)
    return https(options.fips ? fips_host(service, options.region, partition)
                              : fmt::format("{}.{}.{}", service, options.region, partition.suffix));
  if (partition.dual_stack_suffix.empty()) return no_dual_stack(options.region);
  return https(fmt::format("{}{}.{}.{}", service, options.fips ? "-fips" : "", options.region,
                           partition.dual_stack_suffix));
}

Result<Endpoint> s3_endpoint(std::string_view bucket, const EndpointOptions& options,
                             bool path_style) {
  MNP_CHECK(check(options, true));
  MNP_CHECK(check_bucket(bucket));
  MNP_TRY(Endpoint endpoint, s3_itself(options));
  if (bucket.empty()) return endpoint;
  const bool is_address = is_ipv4(endpoint.host) || endpoint.host.front() == '[';
  if (path_style || is_address || !can_be_host(bucket, endpoint.scheme == "http"))
    endpoint.path += "/" + percent_encode(bucket);
  else
    endpoint.host = std::string(bucket) + "." + endpoint.host;
  return endpoint;
}

}  // namespace mnp::aws
