#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace onmal {

struct RateLimits {
  double requests_per_minute = 0;  // of one client; 0: any number
  double burst = 0;                // requests at once; 0: ten seconds' worth, at least one
  int64_t most_concurrent = 0;     // requests of one client that are under way; 0: any number
};

// A bucket of tokens and a count of open requests for each client. Thread-safe.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  // Let go of: the request is over.
  using Admission = std::shared_ptr<void>;

  explicit RateLimiter(const RateLimits& limits);

  // Null when the client has to wait; `retry_seconds` (>= 1) tells how long.
  Admission admit(const std::string& client, int& retry_seconds, Clock::time_point now);

 private:
  struct Bucket {
    double tokens;
    Clock::time_point filled;
    int64_t open = 0;
  };
  struct State {
    std::mutex mutex;
    std::unordered_map<std::string, Bucket> buckets;
  };
  void forget_full(Clock::time_point now);

  RateLimits limits_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace onmal
