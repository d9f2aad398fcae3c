#include "aws/credentials_document.hpp"
#include "aws/credentials_sources.hpp"
#include "aws/instance_metadata.hpp"
#include "mnp/core/text.hpp"

namespace mnp::aws {
namespace {

constexpr const char* kRolePath = "/latest/meta-data/iam/security-credentials/";

class Instance : public CredentialsProvider {
 public:
  Instance(const Settings& settings, std::shared_ptr<Transport> transport)
      : settings_(settings), transport_(std::move(transport)) {}
  Result<Credentials> get() override;

 private:
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
};

Result<Credentials> Instance::get() {
  MNP_TRY(const auto service, InstanceMetadata::open(settings_, transport_));
  const auto roles = service.read(kRolePath);
  if (!roles && roles.error().code != Code::kNotFound) return fail(roles.error());
  const std::string role(roles ? trim(split(*roles, '\n').front()) : "");
  if (role.empty()) return fail(Code::kNotFound, "this instance has no role");
  MNP_TRY(const std::string text, service.read(kRolePath + percent_encode_path(role)));
  auto found = credentials_from_json(text);
  if (!found) return fail(found.error().within("the metadata service"));
  return found;
}

}  // namespace

Provider instance_credentials(const Settings& settings, std::shared_ptr<Transport> transport) {
  return std::make_shared<Instance>(settings, std::move(transport));
}

}  // namespace mnp::aws
