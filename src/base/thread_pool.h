#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace onmal {

// A fixed team of threads (the caller is one of them). `run` hands out task indices; no call
// allocates. Results must not depend on which thread runs which task: callers cut work into tasks
// by shape alone, never by thread count, so that one thread and n threads give the same bits.
class ThreadPool {
 public:
  // threads >= 1; 0 means one per available core.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(task, thread) for every task in [0, tasks), thread in [0, threads()), and waits for
  // all. The first exception thrown by a task is rethrown here. A call made from inside a task runs
  // inline (thread index 0 of a nested call must not be used to index shared scratch: pass tasks
  // scratch by task).
  void run(int64_t tasks, FunctionRef<void(int64_t task, int thread)> body);

  // Splits [begin, end) into blocks of `grain` (the last may be shorter) and runs body(block_begin,
  // block_end).
  void for_blocks(int64_t begin, int64_t end, int64_t grain,
                  FunctionRef<void(int64_t, int64_t)> body);

 private:
  void worker_loop(int thread);
  // Claims tasks one by one until none is left. A claimed task keeps run() waiting, so that tasks_
  // and body_ stay valid; a worker that wakes late finds nothing to claim and holds nobody up.
  void take_tasks(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<int64_t> unclaimed_{0};
  std::atomic<int64_t> unfinished_{0};
  int64_t tasks_ = 0;
  const FunctionRef<void(int64_t, int)>* body_ = nullptr;
  std::atomic<bool> stopping_{false};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
  std::atomic<bool> busy_{false};
};

}  // namespace onmal
