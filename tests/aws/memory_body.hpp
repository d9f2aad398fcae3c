// Bodies of the tests' requests and responses.
#pragma once

#include <algorithm>
#include <string>

#include "aws/http.hpp"

namespace mnp::aws {

class TextSource : public BodySource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  uint64_t size() const override { return text_.size(); }
  bool read(uint64_t first, std::span<char> into) override {
    if (first + into.size() > fails_from) return false;
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(first), into.size(), into.begin());
    return true;
  }
  uint64_t fails_from = UINT64_MAX;

 private:
  std::string text_;
};

class TextSink : public BodySink {
 public:
  void begin() override {
    text.clear();
    ++begun;
  }
  bool take(std::string_view bytes) override {
    text += bytes;
    return text.size() <= most;
  }
  std::string text;
  int begun = 0;
  size_t most = SIZE_MAX;
};

/// "" where its source fails.
inline std::string body_of(const HttpRequest& request) {
  if (request.source == nullptr) return std::string(request.body);
  std::string text(request.source->size(), '\0');
  return request.source->read(0, text) ? text : "";
}

/// What a transport does with a response: its body goes where the request wants it.
inline Result<HttpResponse> delivered(const HttpRequest& request, Result<HttpResponse> response) {
  if (!response || request.sink == nullptr || response->status >= 300) return response;
  request.sink->begin();
  if (!request.sink->take(response->body)) return fail(Code::kStopped, "the sink takes no more");
  response->sunk = response->body.size();
  response->body.clear();
  return response;
}

}  // namespace mnp::aws
