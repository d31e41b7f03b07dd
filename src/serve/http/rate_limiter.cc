#include "serve/http/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace onmal {
namespace {

constexpr size_t kMostClients = 10'000;  // remembered; beyond, those that owe nothing are forgotten

}  // namespace

RateLimiter::RateLimiter(const RateLimits& limits) : limits_(limits) {
  if (limits_.burst <= 0) limits_.burst = std::max(1.0, limits_.requests_per_minute / 6);
}

void RateLimiter::forget_full(Clock::time_point now) {
  std::erase_if(state_->buckets, [&](const auto& entry) {
    const double waited = std::chrono::duration<double>(now - entry.second.filled).count();
    return entry.second.open == 0 &&
           entry.second.tokens + waited * limits_.requests_per_minute / 60 >= limits_.burst;
  });
}

RateLimiter::Admission RateLimiter::admit(const std::string& client, int& retry_seconds,
                                          Clock::time_point now) {
  const std::lock_guard lock(state_->mutex);
  if (state_->buckets.size() >= kMostClients) forget_full(now);
  Bucket& bucket = state_->buckets.try_emplace(client, Bucket{limits_.burst, now}).first->second;
  const double per_second = limits_.requests_per_minute / 60;
  const double waited = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = std::min(limits_.burst, bucket.tokens + std::max(0.0, waited) * per_second);
  bucket.filled = now;
  retry_seconds = 1;
  if (limits_.most_concurrent > 0 && bucket.open >= limits_.most_concurrent) return nullptr;
  if (per_second > 0) {
    if (bucket.tokens < 1) {
      retry_seconds = std::max(1, static_cast<int>(std::ceil((1 - bucket.tokens) / per_second)));
      return nullptr;
    }
    bucket.tokens -= 1;
  }
  ++bucket.open;
  return {static_cast<void*>(this), [state = state_, client](void*) {
            const std::lock_guard again(state->mutex);
            const auto found = state->buckets.find(client);
            if (found != state->buckets.end()) --found->second.open;
          }};
}

}  // namespace onmal
