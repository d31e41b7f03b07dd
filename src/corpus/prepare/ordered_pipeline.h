#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace onmal {

// Items are put in by one thread, worked on by several, and delivered one at a time in the order
// they came. The thread that puts them in works, too: with one thread there is no other. No more
// than `threads` * 4 items are under way. What work or deliver throw comes out of put() or
// finish().
template <typename Item>
class OrderedPipeline {
 public:
  // `thread` is less than `threads`.
  using Work = std::function<void(Item& item, size_t thread)>;
  using Deliver = std::function<void(Item& item)>;

  OrderedPipeline(size_t threads, Work work, Deliver deliver)
      : work_(std::move(work)), deliver_(std::move(deliver)), most_(4 * threads) {
    for (size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(i); });
  }
  ~OrderedPipeline() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      waiting_.clear();
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  OrderedPipeline(const OrderedPipeline&) = delete;
  OrderedPipeline& operator=(const OrderedPipeline&) = delete;

  void put(std::unique_ptr<Item> item) {
    std::unique_lock lock(mutex_);
    waiting_.push_back({next_put_++, std::move(item)});
    changed_.notify_all();
    // Room for the next one: this thread makes it itself where nobody else is faster.
    while (next_put_ - next_delivered_ >= most_ || workers_.empty()) {
      rethrow();
      if (waiting_.empty() && next_put_ - next_delivered_ < most_) return;
      step(lock, 0);
    }
    rethrow();
  }

  // Waits until all is delivered.
  void finish() {
    std::unique_lock lock(mutex_);
    while (next_delivered_ < next_put_) {
      rethrow();
      step(lock, 0);
    }
    rethrow();
  }

 private:
  struct Entry {
    uint64_t number;
    std::unique_ptr<Item> item;
  };

  void rethrow() {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

  // Works on one item, or waits for a change.
  void step(std::unique_lock<std::mutex>& lock, size_t thread) {
    if (waiting_.empty()) {
      changed_.wait(lock);
      return;
    }
    Entry entry = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::exception_ptr thrown;
    try {
      work_(*entry.item, thread);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    if (thrown != nullptr) return fail(thrown);
    done_.emplace(entry.number, std::move(entry.item));
    deliver_ready(lock);
  }

  // One thread at a time delivers what is next.
  void deliver_ready(std::unique_lock<std::mutex>& lock) {
    if (delivering_) return;
    delivering_ = true;
    while (failure_ == nullptr && !done_.empty() && done_.begin()->first == next_delivered_) {
      const std::unique_ptr<Item> item = std::move(done_.begin()->second);
      done_.erase(done_.begin());
      lock.unlock();
      std::exception_ptr thrown;
      try {
        deliver_(*item);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown != nullptr) fail(thrown);
      ++next_delivered_;
      changed_.notify_all();
    }
    delivering_ = false;
  }

  void fail(const std::exception_ptr& thrown) {
    if (failure_ == nullptr) failure_ = thrown;
    waiting_.clear();
    changed_.notify_all();
  }

  void serve(size_t thread) {
    std::unique_lock lock(mutex_);
    while (!ended_) step(lock, thread);
  }

  Work work_;
  Deliver deliver_;
  uint64_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> waiting_;
  std::map<uint64_t, std::unique_ptr<Item>> done_;
  uint64_t next_put_ = 0;
  uint64_t next_delivered_ = 0;
  bool delivering_ = false;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

}  // namespace onmal
