// A network that answers what the test has written down.
#pragma once

#include <deque>
#include <mutex>

#include "aws/http.hpp"
#include "memory_body.hpp"

namespace mnp::aws {

class FakeTransport : public Transport {
 public:
  Result<HttpResponse> send(const HttpRequest& request, const HttpLimits& limits,
                            const std::atomic<bool>*) override {
    const std::scoped_lock lock(mutex);
    bodies.push_back(body_of(request));
    requests.push_back(request);
    last_limits = limits;
    if (answers.empty()) return fail(Code::kIo, "the fake has no answer left");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return delivered(request, std::move(answer));
  }
  void say(int status, std::string body = "", Headers headers = {}) {
    answers.push_back(HttpResponse{status, std::move(headers), std::move(body)});
  }
  void break_off(Code code = Code::kIo) { answers.push_back(fail(code, "the line is cut")); }

  std::mutex mutex;
  std::deque<Result<HttpResponse>> answers;
  std::vector<HttpRequest> requests;
  std::vector<std::string> bodies;
  HttpLimits last_limits;
};

}  // namespace mnp::aws
