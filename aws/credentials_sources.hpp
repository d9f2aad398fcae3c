// Every place that credentials come from, one a file: credentials_*.cpp. The order in which they
// are asked is the table in credentials_chain.cpp. None caches but cached_credentials.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/credentials.hpp"
#include "aws/http.hpp"
#include "aws/profile_chain.hpp"
#include "aws/settings.hpp"

namespace mnp::aws {

using Provider = std::shared_ptr<CredentialsProvider>;

/// What is to be asked, in the AWS CLI's order, cached.
Provider default_credentials(const Settings& settings, const std::shared_ptr<Transport>& transport);

/// Keys that are known already.
Provider fixed_credentials(Credentials credentials);

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
Provider environment_credentials(const Settings& settings);

/// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, as EKS sets them; each stands
/// above the profile's own.
Provider environment_web_identity(const Settings& settings, std::shared_ptr<Transport> transport);

/// The profile's chain (profile_chain.hpp).
Provider profile_credentials(const Settings& settings, std::shared_ptr<Transport> transport);

/// A role, with the credentials of another source.
Provider role_credentials(AssumedRole role, Provider base, const Settings& settings,
                          std::shared_ptr<Transport> transport);
/// A role, with a token that is read anew each time.
Provider web_identity_credentials(WebIdentity identity, const Settings& settings,
                                  std::shared_ptr<Transport> transport);

/// What `aws sso login` has left in ~/.aws/sso/cache.
Provider sso_credentials(SsoSource sso, const Settings& settings,
                         std::shared_ptr<Transport> transport);

/// What a program prints. It has a minute.
Provider process_credentials(std::string command);

/// ECS and EKS: the endpoint that the container's variables name.
Provider container_credentials(const Settings& settings, std::shared_ptr<Transport> transport);
/// kNotFound: no variable names one. kConfig: it is none that may be asked.
Result<std::string> container_credentials_url(const Variables& variables);

/// EC2: the instance's role, by version 2 of its metadata service.
Provider instance_credentials(const Settings& settings, std::shared_ptr<Transport> transport);

/// Asks `source` again some minutes before what it gave expires. When that fails, what is still
/// valid is used on. `wall_clock`: seconds since 1970.
Provider cached_credentials(Provider source, std::function<double()> wall_clock);

}  // namespace mnp::aws
