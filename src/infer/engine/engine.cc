#include "infer/engine/engine.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "infer/answer_end.h"
#include "infer/engine/fair_queue.h"
#include "infer/engine/scheduler.h"
#include "infer/vocabulary_trie.h"

namespace onmal {
namespace {

std::unique_ptr<PageStore> open_store(const LanguageModel& model, PassRunner& runner,
                                      const EngineOptions& options) {
  if (options.cache_folder.empty()) return nullptr;
  return std::make_unique<PageStore>(options.cache_folder, options.cache_folder_bytes,
                                     page_fingerprint(model, runner.pages(), runner.context(),
                                                      static_cast<int>(options.generator.matmul)));
}

}  // namespace

struct Engine::State {
  State(const LanguageModel& the_model, ThreadPool& pool, const EngineOptions& the_options)
      : model(the_model),
        options(the_options),
        runner(model, pool, options.generator, options.cache_tokens),
        scheduler(runner, options.most_running, options.generator.prefill_chunk,
                  open_store(model, runner, options)),
        context(runner.context()) {
    tell_stats();
  }

  void run();
  bool start_waiting();
  void start(WaitingRequest waiting);
  void cancel_asked();
  void tell_stats();

  const LanguageModel& model;
  EngineOptions options;
  PassRunner runner;  // this and the next two: the engine's thread alone touches them
  Scheduler scheduler;
  std::shared_ptr<const VocabularyTrie> trie;
  int64_t context;

  mutable std::mutex mutex;
  std::condition_variable wake, idle;
  FairQueue queue;
  std::unordered_set<RequestId> cancelled;
  RequestId last_id = 0;
  bool ending = false, draining = false, busy = false;
  EngineStats totals;
  std::thread thread;  // last: the rest is there when it starts
};

Engine::Engine(const LanguageModel& model, ThreadPool& pool, const EngineOptions& options) {
  if (options.most_running < 1 || options.most_waiting < 0) {
    throw Error(ErrorCode::kInvalidArgument, "engine", "needs room for one request at least");
  }
  if (model.tokenizer == nullptr) {
    throw Error(ErrorCode::kUnsupported, model.path.string(),
                "the model has no tokenizer that this program understands");
  }
  state_ = std::make_unique<State>(model, pool, options);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Engine::~Engine() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

std::optional<Engine::RequestId> Engine::submit(EngineRequest request,
                                                std::shared_ptr<EngineListener> listener) {
  const auto tokens = static_cast<int64_t>(request.prompt.size());
  if (tokens == 0) throw Error(ErrorCode::kInvalidArgument, "prompt", "is empty", "give some text");
  require_fits(tokens, state_->context);
  if (request.options.max_tokens < 0) {
    throw Error(ErrorCode::kInvalidArgument, "number of tokens", "must be 0 or more");
  }
  request.options.sampler.validate();
  request.options.constraint = request.constraint.get();
  RequestId id = 0;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->ending || state_->draining) return std::nullopt;
    if (static_cast<int64_t>(state_->queue.size()) >= state_->options.most_waiting) {
      return std::nullopt;
    }
    id = ++state_->last_id;
    state_->queue.push({id, std::move(request), std::move(listener)});
  }
  state_->wake.notify_all();
  return id;
}

void Engine::cancel(RequestId id) {
  std::optional<WaitingRequest> waiting;
  {
    const std::lock_guard lock(state_->mutex);
    waiting = state_->queue.remove(id);
    if (!waiting) state_->cancelled.insert(id);
  }
  if (!waiting) return;
  GenerateResult result;
  result.finish = FinishReason::kCancelled;
  result.prompt_tokens = static_cast<int64_t>(waiting->request.prompt.size());
  waiting->listener->on_end(result);
}

void Engine::drain() {
  std::unique_lock lock(state_->mutex);
  state_->draining = true;
  state_->idle.wait(lock, [&] { return state_->queue.size() == 0 && !state_->busy; });
}

EngineStats Engine::stats() const {
  const std::lock_guard lock(state_->mutex);
  EngineStats stats = state_->totals;
  stats.waiting = static_cast<int64_t>(state_->queue.size());
  return stats;
}

int64_t Engine::context() const { return state_->context; }

void Engine::State::run() {
  while (start_waiting()) {
    cancel_asked();
    scheduler.pass();
    tell_stats();
  }
  scheduler.cancel_all();
  std::vector<WaitingRequest> left;
  {
    const std::lock_guard lock(mutex);
    while (queue.size() > 0) left.push_back(queue.pop());
  }
  for (const WaitingRequest& waiting : left) {
    GenerateResult result;
    result.finish = FinishReason::kCancelled;
    waiting.listener->on_end(result);
  }
}

// Waits until there is something to do; false when the engine ends.
bool Engine::State::start_waiting() {
  std::unique_lock lock(mutex);
  if (scheduler.size() == 0) {
    cancelled.clear();  // of requests that had ended already
    busy = false;
    idle.notify_all();
    wake.wait(lock, [&] { return ending || queue.size() > 0; });
  }
  if (ending) return false;
  busy = true;
  while (queue.size() > 0 && scheduler.takes_more()) {
    WaitingRequest waiting = queue.pop();
    lock.unlock();
    start(std::move(waiting));
    lock.lock();
  }
  totals.running = static_cast<int64_t>(scheduler.size());
  return true;
}

void Engine::State::start(WaitingRequest waiting) {
  try {
    if (waiting.request.constraint != nullptr && trie == nullptr) {
      trie = std::make_shared<VocabularyTrie>(*model.tokenizer, text_vocabulary(model));
    }
    scheduler.add(std::make_unique<Sequence>(model, runner.pages(), context, waiting.id,
                                             std::move(waiting.request), waiting.listener, trie));
  } catch (const Error& error) {
    waiting.listener->on_error(error);
  }
}

void Engine::State::cancel_asked() {
  std::unordered_set<RequestId> asked;
  {
    const std::lock_guard lock(mutex);
    asked.swap(cancelled);
  }
  if (!asked.empty()) scheduler.cancel(asked);
}

void Engine::State::tell_stats() {
  const Scheduler::Counters& counters = scheduler.counters();
  const std::lock_guard lock(mutex);
  totals.running = static_cast<int64_t>(scheduler.size());
  totals.prompt_tokens = counters.prompt_tokens;
  totals.cached_tokens = counters.cached_tokens;
  totals.decoded_tokens = counters.decoded_tokens;
  totals.prefill_seconds = counters.prefill_seconds;
  totals.decode_seconds = counters.decode_seconds;
  totals.passes = counters.passes;
  totals.preempted = counters.preempted;
  totals.pages = runner.pages().pages();
  totals.free_pages = runner.pages().free_pages();
  totals.kept_pages = scheduler.tree().pages();
}

}  // namespace onmal
