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

}  // namespace
}  // namespace mnp::aws
