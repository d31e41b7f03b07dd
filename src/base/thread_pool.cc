#include "base/thread_pool.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace onmal {
namespace {

// About 20 microseconds of spinning before a worker sleeps: decode steps hand out work more often
// than that.
constexpr int kSpins = 4000;

void pause_cpu() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads <= 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { worker_loop(thread); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take_tasks(int thread) {
  int64_t left = unclaimed_.load(std::memory_order_acquire);
  while (left > 0) {
    if (!unclaimed_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
    try {
      if (!failed_.load(std::memory_order_relaxed)) (*body_)(tasks_ - left, thread);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
    unfinished_.fetch_sub(1, std::memory_order_acq_rel);
    left = unclaimed_.load(std::memory_order_acquire);
  }
}

void ThreadPool::worker_loop(int thread) {
  const auto called = [this] { return unclaimed_.load() > 0 || stopping_.load(); };
  while (!stopping_) {
    for (int spins = 0; spins < kSpins && !called(); ++spins) pause_cpu();
    if (!called()) {
      std::unique_lock lock(mutex_);
      ++sleepers_;
      wake_.wait(lock, called);
      --sleepers_;
    }
    take_tasks(thread);
  }
}

void ThreadPool::run(int64_t tasks, FunctionRef<void(int64_t, int)> body) {
  if (tasks <= 0) return;
  bool idle = false;
  const bool alone = workers_.empty() || tasks == 1 || !busy_.compare_exchange_strong(idle, true);
  if (alone) {
    for (int64_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  tasks_ = tasks;
  body_ = &body;
  failed_ = false;
  failure_ = nullptr;
  unfinished_ = tasks;
  unclaimed_ = tasks;
  if (sleepers_ > 0) {
    std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  take_tasks(0);
  for (int spins = 0; unfinished_.load(std::memory_order_acquire) > 0; ++spins) {
    if (spins < kSpins) {
      pause_cpu();
    } else {
      std::this_thread::yield();
    }
  }
  body_ = nullptr;
  const std::exception_ptr failure = failed_ ? failure_ : nullptr;
  busy_ = false;
  if (failure != nullptr) std::rethrow_exception(failure);
}

void ThreadPool::for_blocks(int64_t begin, int64_t end, int64_t grain,
                            FunctionRef<void(int64_t, int64_t)> body) {
  grain = std::max<int64_t>(grain, 1);
  const int64_t blocks = (end - begin + grain - 1) / grain;
  run(blocks, [&](int64_t block, int) {
    const int64_t first = begin + block * grain;
    body(first, std::min(end, first + grain));
  });
}

}  // namespace onmal
