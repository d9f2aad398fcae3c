// Where a service of AWS is reached. Source: "Service endpoints and quotas", AWS General Reference,
// and the rules that AWS publishes with its SDKs.
#pragma once

#include <string>
#include <string_view>

#include "aws/uri.hpp"

namespace mnp::aws {

struct EndpointOptions {
  std::string region;
  std::string custom;  // a URL in place of AWS's own; "" for those
  bool fips = false;
  bool dual_stack = false;
};

/// Of batch, logs, cloudformation or sts. kConfig: no region, not one, or options that exclude each
/// other.
Result<Endpoint> service_endpoint(std::string_view service, const EndpointOptions& options);

/// Of a bucket, or of S3 itself where that is "": by virtual host where the name allows it, else
/// and with `path_style` by the endpoint's path. kConfig as above, and for what is addressed by
/// other rules: ARNs, directory buckets, access points.
Result<Endpoint> s3_endpoint(std::string_view bucket, const EndpointOptions& options,
                             bool path_style);

}  // namespace mnp::aws
