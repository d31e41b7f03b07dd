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
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take_tasks(int thread) {
  for (;;) {
    const int64_t task = next_task_.fetch_add(1);
    if (task >= tasks_) return;
    try {
      (*body_)(task, thread);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
      next_task_ = tasks_;
    }
  }
}

void ThreadPool::worker_loop(int thread) {
  uint64_t seen = 0;
  for (;;) {
    int spins = 0;
    while (generation_.load(std::memory_order_acquire) == seen && spins < kSpins) {
      pause_cpu();
      ++spins;
    }
    if (generation_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      ++sleepers_;
      wake_.wait(lock, [&] { return generation_.load() != seen; });
      --sleepers_;
    }
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_) return;
    take_tasks(thread);
    working_.fetch_sub(1, std::memory_order_release);
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
  next_task_ = 0;
  working_ = static_cast<int>(workers_.size());
  generation_.fetch_add(1);
  if (sleepers_ > 0) {
    std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  take_tasks(0);
  int spins = 0;
  while (working_.load(std::memory_order_acquire) > 0) {
    if (++spins < kSpins) {
      pause_cpu();
    } else {
      std::this_thread::yield();
    }
  }
  body_ = nullptr;
  busy_ = false;
  if (failed_) std::rethrow_exception(failure_);
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
