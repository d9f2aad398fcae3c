#include <mutex>

#include "aws/credentials_sources.hpp"
#include "mnp/core/log.hpp"

namespace mnp::aws {
namespace {

constexpr double kRefreshBefore = 300;  // seconds; commands that were just signed still arrive
constexpr double kTryAgain = 60;        // after a refresh that failed, or gave what expires soon

class Cached : public CredentialsProvider {
 public:
  Cached(Provider source, std::function<double()> wall_clock)
      : source_(std::move(source)), wall_clock_(std::move(wall_clock)) {}

  Result<Credentials> get() override {
    const std::scoped_lock lock(mutex_);
    const double now = wall_clock_();
    if (kept_ && (!kept_->expires || now < *kept_->expires - kRefreshBefore || now < not_before_))
      return *kept_;
    auto fresh = source_->get();
    if (!fresh) {
      if (!kept_ || now >= *kept_->expires) return fresh;
      log::warning("credentials cannot be refreshed: {}; the old ones are used on",
                   fresh.error().text);
    } else {
      kept_ = std::move(*fresh);
    }
    if (kept_->expires) not_before_ = std::min(now + kTryAgain, *kept_->expires);
    return *kept_;
  }

  void expired(const Credentials& credentials) override {
    const std::scoped_lock lock(mutex_);
    if (!kept_ || kept_->access_key != credentials.access_key ||
        kept_->session_token != credentials.session_token)
      return;  // fresh ones are there already
    kept_.reset();
    source_->expired(credentials);
  }

 private:
  const Provider source_;
  const std::function<double()> wall_clock_;
  std::mutex mutex_;
  std::optional<Credentials> kept_;
  double not_before_ = 0;
};

}  // namespace

Provider cached_credentials(Provider source, std::function<double()> wall_clock) {
  return std::make_shared<Cached>(std::move(source), std::move(wall_clock));
}

}  // namespace mnp::aws
