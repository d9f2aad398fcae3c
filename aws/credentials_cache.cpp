#include <condition_variable>
#include <mutex>
#include <thread>

#include "aws/credentials_sources.hpp"
#include "mnp/core/log.hpp"

namespace mnp::aws {
namespace {

constexpr double kRefreshBefore = 300;  // seconds; commands that were just signed still arrive
constexpr double kTooLate = 15;         // for a call that is signed with so little left
constexpr double kTryAgain = 60;        // after a refresh that failed, or gave what expires soon

/// The source is asked by one thread at a time, and nobody waits for it who has what is good still:
/// a source may take a minute, and a main that hears nothing from its store for a lease loses its
/// nodes.
class Cached : public CredentialsProvider {
 public:
  Cached(Provider source, std::function<double()> wall_clock)
      : source_(std::move(source)), wall_clock_(std::move(wall_clock)) {}

  Result<Credentials> get() override {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return !asking_ || last_for(kTooLate); });
    const double now = wall_clock_();
    if (asking_ || last_for(kRefreshBefore) || (last_for(0) && now < not_before_)) return *kept_;
    asking_ = true;
    if (last_for(kTooLate)) {
      refresher_ = std::jthread([this, now] { (void)ask(now); });
      return *kept_;
    }
    lock.unlock();
    return ask(now);
  }

  void expired(const Credentials& credentials) override {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return !asking_; });
    if (!kept_ || kept_->access_key != credentials.access_key ||
        kept_->session_token != credentials.session_token)
      return;  // fresh ones are there already
    kept_.reset();
    source_->expired(credentials);
  }

 private:
  /// What is kept is good for more than so many seconds.
  bool last_for(double seconds) const {
    return kept_ && (!kept_->expires || wall_clock_() < *kept_->expires - seconds);
  }
  Result<Credentials> ask(double now) {
    auto fresh = source_->get();
    const std::scoped_lock lock(mutex_);
    asking_ = false;
    answered_.notify_all();
    if (!fresh) {
      if (!last_for(0)) return fresh;
      log::warning("credentials cannot be refreshed: {}; the old ones are used on",
                   fresh.error().text);
    } else {
      kept_ = std::move(*fresh);
    }
    if (kept_->expires) not_before_ = std::min(now + kTryAgain, *kept_->expires);
    return *kept_;
  }

  const Provider source_;
  const std::function<double()> wall_clock_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Credentials> kept_;
  double not_before_ = 0;
  bool asking_ = false;
  std::jthread refresher_;  // ends before the others go
};

}  // namespace

Provider cached_credentials(Provider source, std::function<double()> wall_clock) {
  return std::make_shared<Cached>(std::move(source), std::move(wall_clock));
}

}  // namespace mnp::aws
