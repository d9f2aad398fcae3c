// The region that this process runs in, where nothing configures one: Batch's containers on EC2 get
// no AWS_REGION.
#pragma once

#include <memory>

#include "aws/http.hpp"
#include "aws/settings.hpp"

namespace mnp::aws {

/// Sets the region, if there is none, by what the container's task or else the instance says. It
/// stays "" outside AWS, where nobody is asked, and with an endpoint of S3 that is not AWS's.
/// kStore: who should know does not answer.
Status find_region(Settings& settings, const std::shared_ptr<Transport>& transport);

}  // namespace mnp::aws
