#include "infer/engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

#include "infer/answer_end.h"
#include "infer/engine/sequence.h"
#include "infer/vocabulary_trie.h"

namespace onmal {
namespace {

struct Waiting {
  Engine::RequestId id = 0;
  EngineRequest request;
  std::shared_ptr<EngineListener> listener;
};

// Requests of each client in their order; clients take turns.
class FairQueue {
 public:
  size_t size() const { return size_; }

  void push(Waiting waiting) {
    std::deque<Waiting>& own = by_client_[waiting.request.client];
    if (own.empty()) turns_.push_back(waiting.request.client);
    own.push_back(std::move(waiting));
    ++size_;
  }

  Waiting pop() {
    const std::string client = turns_.front();
    turns_.pop_front();
    std::deque<Waiting>& own = by_client_[client];
    Waiting waiting = std::move(own.front());
    own.pop_front();
    --size_;
    if (own.empty()) {
      by_client_.erase(client);
    } else {
      turns_.push_back(client);
    }
    return waiting;
  }

  std::optional<Waiting> remove(Engine::RequestId id) {
    for (auto& [client, own] : by_client_) {
      const auto at = std::find_if(own.begin(), own.end(),
                                   [id](const Waiting& waiting) { return waiting.id == id; });
      if (at == own.end()) continue;
      Waiting waiting = std::move(*at);
      own.erase(at);
      --size_;
      if (own.empty()) {
        turns_.erase(std::find(turns_.begin(), turns_.end(), client));
        by_client_.erase(client);
      }
      return waiting;
    }
    return std::nullopt;
  }

 private:
  std::map<std::string, std::deque<Waiting>> by_client_;
  std::deque<std::string> turns_;
  size_t size_ = 0;
};

struct Slot {
  std::unique_ptr<Generator> generator;
  std::unique_ptr<Sequence> sequence;  // null: free
  Engine::RequestId id = 0;
  uint64_t last_used = 0;
};

size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

GeneratorOptions without_speculation(GeneratorOptions options) {
  options.speculation.draft_tokens = 0;
  options.speculation.draft = nullptr;
  return options;
}

}  // namespace

struct Engine::State {
  State(const LanguageModel& the_model, ThreadPool& the_pool, const EngineOptions& the_options)
      : model(the_model), pool(the_pool), options(the_options) {
    options.generator = without_speculation(options.generator);
    slots.push_back({std::make_unique<Generator>(model, pool, options.generator), nullptr});
    context = slots[0].generator->context();
  }

  void run();
  bool start_waiting();
  Slot& slot_for(const EngineRequest& request);
  void start(Waiting waiting);
  void cancel_asked();
  void advance_all();
  void count(const Sequence& sequence);
  size_t running() const {
    return static_cast<size_t>(std::count_if(
        slots.begin(), slots.end(), [](const Slot& slot) { return slot.sequence != nullptr; }));
  }

  const LanguageModel& model;
  ThreadPool& pool;
  EngineOptions options;
  int64_t context = 0;
  std::vector<Slot> slots;  // the engine's thread alone touches them
  std::shared_ptr<const VocabularyTrie> trie;
  uint64_t clock = 0;

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
  std::optional<Waiting> waiting;
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
    advance_all();
  }
  for (Slot& slot : slots) {
    if (slot.sequence != nullptr) slot.sequence->cancel();
  }
  const std::lock_guard lock(mutex);
  while (queue.size() > 0) {
    const Waiting waiting = queue.pop();
    GenerateResult result;
    result.finish = FinishReason::kCancelled;
    waiting.listener->on_end(result);
  }
}

// Waits until there is something to do; false when the engine ends.
bool Engine::State::start_waiting() {
  std::unique_lock lock(mutex);
  if (running() == 0) {
    cancelled.clear();  // of requests that had ended already
    busy = false;
    totals.running = 0;
    idle.notify_all();
    wake.wait(lock, [&] { return ending || queue.size() > 0; });
  }
  if (ending) return false;
  busy = true;
  while (queue.size() > 0 && static_cast<int64_t>(running()) < options.most_running) {
    Waiting waiting = queue.pop();
    lock.unlock();
    start(std::move(waiting));
    lock.lock();
  }
  totals.running = static_cast<int64_t>(running());
  return true;
}

// The free sequence that has most of the prompt; a fresh one before an old one's cache is lost.
Slot& Engine::State::slot_for(const EngineRequest& request) {
  Slot* best = nullptr;
  size_t most = 0;
  for (Slot& slot : slots) {
    if (slot.sequence != nullptr) continue;
    const size_t common = common_prefix(slot.generator->cached_ids(), request.prompt);
    const bool better =
        best == nullptr || common > most || (common == most && slot.last_used < best->last_used);
    if (!better) continue;
    best = &slot;
    most = common;
  }
  const bool wastes = best == nullptr || (most == 0 && !best->generator->cached_ids().empty());
  if (!wastes || static_cast<int64_t>(slots.size()) >= options.most_running) return *best;
  slots.push_back({std::make_unique<Generator>(model, pool, options.generator), nullptr});
  return slots.back();
}

void Engine::State::start(Waiting waiting) {
  try {
    Slot& slot = slot_for(waiting.request);
    if (waiting.request.constraint != nullptr && trie == nullptr) {
      trie = std::make_shared<VocabularyTrie>(*model.tokenizer, text_vocabulary(model));
    }
    slot.sequence =
        std::make_unique<Sequence>(model, *slot.generator, options.generator.prefill_chunk,
                                   std::move(waiting.request), waiting.listener, trie);
    slot.id = waiting.id;
    slot.last_used = ++clock;
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
  for (Slot& slot : slots) {
    if (slot.sequence == nullptr || !asked.contains(slot.id)) continue;
    slot.sequence->cancel();
    count(*slot.sequence);
    slot.sequence.reset();
  }
}

void Engine::State::advance_all() {
  for (Slot& slot : slots) {
    if (slot.sequence == nullptr) continue;
    try {
      if (slot.sequence->advance()) continue;
    } catch (const Error& error) {
      slot.sequence->fail(error);
    } catch (const std::exception& error) {
      slot.sequence->fail(Error(ErrorCode::kResource, "engine", error.what()));
    }
    count(*slot.sequence);
    slot.sequence.reset();
  }
}

void Engine::State::count(const Sequence& sequence) {
  const GenerateResult& result = sequence.result();
  const std::lock_guard lock(mutex);
  totals.prompt_tokens += result.prompt_tokens;
  totals.cached_tokens += result.cached_tokens;
  totals.decoded_tokens += static_cast<int64_t>(result.ids.size());
  totals.prefill_seconds += result.prefill_seconds;
  totals.decode_seconds += result.decode_seconds;
}

}  // namespace onmal
