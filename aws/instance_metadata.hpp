// EC2's metadata service, by version 2 of it. Source: "Use the Instance Metadata Service to access
// instance metadata", EC2 User Guide.
#pragma once

#include <memory>
#include <string>

#include "aws/http.hpp"
#include "aws/settings.hpp"
#include "mnp/core/files.hpp"

namespace mnp::aws {

class InstanceMetadata {
 public:
  /// Asks for a token. kNotFound: it is switched off, or not there. kIo, kTimeout: it should be.
  static Result<InstanceMetadata> open(const Settings& settings,
                                       std::shared_ptr<Transport> transport);
  /// What stands at "/latest/..."; kNotFound where nothing does.
  Result<std::string> read(const std::string& path) const;

 private:
  Result<HttpResponse> send(const HttpRequest& request) const;

  std::shared_ptr<Transport> transport_;
  Endpoint endpoint_;
  std::string token_;
  int tries_ = 1;
};

/// Of the metadata service, without a path.
Result<std::string> instance_metadata_url(const Settings& settings);

/// Whether variables, or the maker of the machine, say that this is a container or an instance of
/// AWS. Elsewhere nobody may answer at the service's address, and each try waits for its limit.
bool runs_in_aws(const Settings& settings, const fs::path& maker = "/sys/class/dmi/id/sys_vendor");

}  // namespace mnp::aws
