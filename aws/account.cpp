#include "aws/account.hpp"

#include "aws/curl_transport.hpp"
#include "aws/region.hpp"
#include "mnp/core/files.hpp"

namespace mnp::aws {

Result<Account> Account::open(const SettingsOptions& options, Variables variables) {
  Account account;
  MNP_TRY(account.settings, Settings::load(options, std::move(variables)));
  const std::string ca_bundle = account.settings.value("AWS_CA_BUNDLE", "ca_bundle");
  if (const auto file = size_of_file(ca_bundle); !ca_bundle.empty() && !file)
    return fail(Code::kConfig, "AWS_CA_BUNDLE (ca_bundle): " + file.error().text);
  account.transport = std::make_shared<CurlTransport>(ca_bundle);
  MNP_CHECK(find_region(account.settings, account.transport));
  account.credentials = default_credentials(account.settings, account.transport);
  return account;
}

}  // namespace mnp::aws
