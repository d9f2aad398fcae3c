// A store in a bucket in memory.
#pragma once

#include <memory>

#include "aws/credentials_sources.hpp"
#include "aws/s3_store.hpp"
#include "tests/aws/fake_s3.hpp"

namespace mnp::node {

inline std::shared_ptr<aws::S3Store> store_in(const std::shared_ptr<aws::FakeS3>& bucket) {
  ::setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", 1);
  ::setenv("AWS_REGION", "us-east-1", 1);
  const auto settings = aws::Settings::load({}, aws::process_variables());
  const auto s3 =
      aws::S3::create(*settings, bucket, aws::fixed_credentials({"k", "s", "", "", {}}));
  return std::make_shared<aws::S3Store>(*s3, aws::S3Place{"bucket", ""});
}

}  // namespace mnp::node
