// A service without credentials on a network that answers what the test has written down.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "aws/service.hpp"
#include "fake_transport.hpp"

namespace mnp::aws {

class FakeService : public testing::Test {
 protected:
  explicit FakeService(const std::string& name) {
    ClientOptions world;
    world.rules = {"us-east-1", name, true, true, false};
    world.sleep = [this](Milliseconds time) { slept += time; };
    service.client = std::make_shared<Client>(transport, nullptr, world);
    service.endpoint = *Endpoint::parse("https://" + name + ".us-east-1.amazonaws.com");
  }

  std::shared_ptr<FakeTransport> transport = std::make_shared<FakeTransport>();
  Milliseconds slept{0};
  Service service;
};

}  // namespace mnp::aws
