#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace onmal {

// Threads for handlers that wait or compute. Jobs must not throw.
class Workers {
 public:
  Workers(int threads, size_t most_queued);
  ~Workers();  // runs what is queued
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False when too many wait already.
  bool post(std::function<void()> job);
  size_t queued() const;

 private:
  void work();

  const size_t most_queued_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace onmal
