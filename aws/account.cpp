#include "aws/account.hpp"

#include "aws/curl_transport.hpp"
#include "aws/region.hpp"

namespace mnp::aws {

Result<Account> Account::open(const SettingsOptions& options, Variables variables) {
  Account account;
  MNP_TRY(account.settings, Settings::load(options, std::move(variables)));
  account.transport = std::make_shared<CurlTransport>();
  MNP_CHECK(find_region(account.settings, account.transport));
  account.credentials = default_credentials(account.settings, account.transport);
  return account;
}

}  // namespace mnp::aws
