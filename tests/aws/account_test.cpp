#include "aws/account.hpp"

#include "http_server.hpp"
#include "settings_fixture.hpp"

namespace mnp::aws {
namespace {

class AccountTest : public SettingsFixture {
 protected:
  Result<Account> open() {
    return Account::open(options, [map = variables](const std::string& name) {
      const auto found = map.find(name);
      return found == map.end() ? "" : found->second;
    });
  }
};

TEST_F(AccountTest, HasTheRegionOfItsContainer) {
  HttpServer agent([](const std::string& request) {
    return request.find("GET /v4/x/task ") == 0
               ? http_answer(200, R"({"TaskARN": "arn:aws:ecs:us-west-2:1:task/b/2"})")
               : http_answer(404, "");
  });
  variables["ECS_CONTAINER_METADATA_URI_V4"] = agent.url() + "/v4/x";
  const auto account = open();
  ASSERT_TRUE(account) << account.error().text;
  EXPECT_EQ(account->settings.region(), "us-west-2");
}

TEST_F(AccountTest, ItsCallsTrustTheBundleThatIsNamed) {
  HttpServer plain([](const std::string&) { return std::string(); });
  const auto why = [&](const std::string& bundle) {
    const auto account = open();
    if (!account) return account.error();
    HttpRequest request;
    request.endpoint = *Endpoint::parse(plain.url());
    request.endpoint.scheme = "https";
    const auto response = account->transport->send(request, {}, nullptr);
    EXPECT_FALSE(response);
    EXPECT_NE(response.error().text.find(bundle), std::string::npos) << response.error().text;
    return response.error();
  };
  config("[default]\nca_bundle = /nowhere/ca.pem\n");
  EXPECT_EQ(why("").code, Code::kConfig);
  EXPECT_EQ(why("").text, "AWS_CA_BUNDLE (ca_bundle): /nowhere/ca.pem: No such file or directory");
  const std::string empty = write("empty.pem", "").string();
  variables["AWS_CA_BUNDLE"] = empty;
  EXPECT_EQ(why(empty).code, Code::kIo);
}

}  // namespace
}  // namespace mnp::aws
