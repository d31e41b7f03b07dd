#include "infer/engine/scheduler.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/timer.h"

namespace onmal {
namespace {

// Of an answer that is computed again: its rows are computed as single tokens are.
constexpr int64_t kMostAgain = 32;

int64_t size_of(std::span<const int32_t> ids) { return static_cast<int64_t>(ids.size()); }

std::span<const int32_t> first_of(std::span<const int32_t> ids, int64_t count) {
  return ids.first(static_cast<size_t>(count));
}

// At the end of its last page, with no other one in hand.
bool stands_between_pages(const Sequence& sequence) {
  return sequence.cache().room() == sequence.cache().length();
}

Error as_error(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(ErrorCode::kResource, "engine", error.what());
  }
}

}  // namespace

Scheduler::Scheduler(PassRunner& runner, int64_t most_running, int64_t prefill_chunk,
                     std::unique_ptr<PageStore> store)
    : runner_(runner),
      pages_(runner.pages()),
      tree_(pages_),
      store_(std::move(store)),
      most_running_(most_running),
      prefill_chunk_(prefill_chunk) {}

void Scheduler::add(std::unique_ptr<Sequence> sequence) {
  if (sequence->ends_before_it_begins()) {
    end(*sequence);
    return;
  }
  stalled_.push_back(std::move(sequence));
  begin_stalled();
}

void Scheduler::cancel(const std::unordered_set<Engine::RequestId>& ids) {
  const auto asked = [&](const std::unique_ptr<Sequence>& sequence) {
    if (!ids.contains(sequence->id())) return false;
    sequence->cancel();
    end(*sequence);
    return true;
  };
  std::erase_if(running_, asked);
  std::erase_if(stalled_, asked);
}

void Scheduler::cancel_all() {
  for (const auto& sequence : running_) sequence->cancel();
  for (const auto& sequence : stalled_) sequence->cancel();
  running_.clear();
  stalled_.clear();
  if (store_ == nullptr) return;
  tree_.visit_full_pages(
      [this](std::span<const int32_t> ids, int32_t page) { store_->put(ids, pages_, page); });
}

void Scheduler::begin_stalled() {
  while (!stalled_.empty() && static_cast<int64_t>(running_.size()) < most_running_) {
    if (!running_.empty() && !has_pages_for(*stalled_.front())) return;
    running_.push_back(std::move(stalled_.front()));
    stalled_.pop_front();
    take_cached(*running_.back());
  }
}

// For all its tokens and one more, beside what those that read already will still take.
bool Scheduler::has_pages_for(const Sequence& sequence) const {
  const std::span<const int32_t> ids = sequence.ids();
  const PrefixTree::Count found = tree_.count(first_of(ids, size_of(ids) - 1));
  int64_t needed = pages_for(size_of(ids) + 1) - found.pages;
  for (const auto& other : running_) {
    const int64_t pages = size_of(other->cache().pages());
    needed += std::max<int64_t>(0, pages_for(size_of(other->ids()) + 1) - pages);
  }
  return needed <= pages_.free_pages() + tree_.unused_pages() - found.unused;
}

// What the tree has of the tokens behind those computed: full pages are shared, a part is copied.
void Scheduler::take_cached(Sequence& sequence) {
  PagedSequence& cache = sequence.cache();
  if (!stands_between_pages(sequence)) return;
  const auto own = cache.pages().size();
  const std::span<const int32_t> ids = sequence.ids();
  const PrefixTree::Match match = tree_.find(first_of(ids, size_of(ids) - 1));
  if (match.pages.size() < own) return;
  const int64_t before = cache.length();
  for (size_t i = own; i < match.pages.size(); ++i) {
    pages_.share(match.pages[i]);
    cache.add(match.pages[i]);
    cache.commit(kPageTokens);
  }
  if (match.part >= 0) pages_.share(match.part);  // kept while room is made for its copy
  take_stored(sequence);
  if (match.part >= 0) {
    if (cache.pages().size() == match.pages.size()) take_copy(sequence, match);
    pages_.drop(match.part);
  }
  if (!sequence.was_preempted()) sequence.found_cached(cache.length() - before);
}

void Scheduler::take_copy(Sequence& sequence, const PrefixTree::Match& match) {
  const std::optional<int32_t> page = take_page();
  if (!page) return;
  pages_.copy(match.part, *page, match.part_tokens);
  sequence.cache().add(*page);
  sequence.cache().commit(match.part_tokens);
}

// Full pages behind those it has, out of the store.
void Scheduler::take_stored(Sequence& sequence) {
  if (store_ == nullptr) return;
  PagedSequence& cache = sequence.cache();
  const int64_t before = cache.length();
  while (cache.length() + kPageTokens < size_of(sequence.ids())) {
    const std::span<const int32_t> ids = first_of(sequence.ids(), cache.length() + kPageTokens);
    if (!store_->has(ids)) break;
    const std::optional<int32_t> page = take_page();
    if (!page) break;
    if (!store_->get(ids, pages_, *page)) {
      pages_.drop(*page);
      break;
    }
    cache.add(*page);
    cache.commit(kPageTokens);
  }
  if (cache.length() > before) remember(sequence, false);
}

std::optional<int32_t> Scheduler::take_page() {
  const auto keep = [this](std::span<const int32_t> ids, int32_t page) {
    if (store_ != nullptr) store_->put(ids, pages_, page);
  };
  while (true) {
    const std::optional<int32_t> page = pages_.take();
    if (page || !tree_.evict(keep)) return page;
  }
}

int64_t Scheduler::make_room(Sequence& sequence, int64_t tokens) {
  PagedSequence& cache = sequence.cache();
  while (cache.room() < cache.length() + tokens) {
    const std::optional<int32_t> page = take_page();
    if (!page) break;
    cache.add(*page);
  }
  return std::min(tokens, cache.room() - cache.length());
}

// Whether one that began earlier is about to compute the page that this one needs next: it is then
// found in the tree.
bool Scheduler::is_computed_beside(size_t index) const {
  const Sequence& sequence = *running_[index];
  const int64_t length = sequence.cache().length();
  const int64_t end = length + kPageTokens;
  if (!stands_between_pages(sequence) || end >= size_of(sequence.ids())) return false;
  const std::span<const int32_t> wanted = first_of(sequence.ids(), end);
  return std::any_of(running_.begin(), running_.begin() + static_cast<ptrdiff_t>(index),
                     [&](const auto& other) {
                       const int64_t reached = other->cache().length();
                       return other->reads() && reached >= length && reached < end &&
                              size_of(other->prompt()) >= end &&
                              std::equal(wanted.begin(), wanted.end(), other->ids().begin());
                     });
}

void Scheduler::add_stretch(Sequence& sequence, int64_t tokens) {
  const std::span<const int32_t> ids = sequence.ids().subspan(
      static_cast<size_t>(sequence.cache().length()), static_cast<size_t>(tokens));
  stretches_.push_back({&sequence.cache(), ids, sequence.reads(), tokens == sequence.uncomputed()});
  taking_part_.push_back(&sequence);
}

void Scheduler::choose_writers() {
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.reads()) continue;
    const int64_t wanted = std::min(sequence.uncomputed(), kMostAgain);
    int64_t room = make_room(sequence, wanted);
    while (room == 0 && i + 1 < running_.size()) {
      preempt_last();
      room = make_room(sequence, wanted);
    }
    if (room == 0) return preempt_last();  // it is the last itself
    add_stretch(sequence, room);
  }
}

void Scheduler::choose_readers() {
  std::vector<Sequence*> readers;
  for (size_t i = 0; i < running_.size(); ++i) {
    if (!running_[i]->reads()) continue;
    take_cached(*running_[i]);
    if (running_[i]->reads() && !is_computed_beside(i)) readers.push_back(running_[i].get());
  }
  int64_t left = prefill_chunk_;
  for (size_t i = 0; i < readers.size() && left > 0; ++i) {
    Sequence& sequence = *readers[i];
    const int64_t share = std::max<int64_t>(1, left / static_cast<int64_t>(readers.size() - i));
    const int64_t unread = size_of(sequence.prompt()) - sequence.cache().length();
    const int64_t tokens = make_room(sequence, std::min(unread, share));
    if (tokens == 0) continue;
    add_stretch(sequence, tokens);
    left -= tokens;
  }
}

void Scheduler::preempt_last() {
  std::unique_ptr<Sequence> last = std::move(running_.back());
  running_.pop_back();
  remember(*last, true);
  last->cache().clear();
  last->set_preempted();
  stalled_.push_front(std::move(last));
  ++counters_.preempted;
}

void Scheduler::pass() {
  begin_stalled();
  stretches_.clear();
  taking_part_.clear();
  ended_.clear();
  while (true) {
    choose_writers();
    choose_readers();
    if (!stretches_.empty() || running_.empty()) break;
    preempt_last();  // all hold pages and none can go on
  }
  if (stretches_.empty()) return;
  compute();
  std::erase_if(running_, [this](const auto& sequence) { return ended_.contains(sequence.get()); });
}

void Scheduler::compute() {
  int64_t rows = 0;
  int64_t rows_read = 0;
  for (const PassRunner::Stretch& stretch : stretches_) {
    rows += size_of(stretch.ids);
    if (stretch.reads) rows_read += size_of(stretch.ids);
  }
  const Timer timer;
  std::span<const float> logits;
  try {
    logits = runner_.run(stretches_);
  } catch (...) {
    const Error error = as_error(std::current_exception());
    for (Sequence* sequence : taking_part_) {
      sequence->fail(error);
      end(*sequence);
    }
    return;
  }
  for (size_t i = 0; i < stretches_.size(); ++i)
    taking_part_[i]->took(timer.seconds(), stretches_[i].reads);
  deliver(logits);
  const double seconds = timer.seconds();
  const double share = static_cast<double>(rows_read) / static_cast<double>(rows);
  ++counters_.passes;
  counters_.prefill_seconds += seconds * share;
  counters_.decode_seconds += seconds * (1 - share);
}

// Chooses a token for each sequence that has logits now, on all threads, and tells them in order.
void Scheduler::deliver(std::span<const float> logits) {
  std::vector<Sequence*> writing;
  for (size_t i = 0; i < stretches_.size(); ++i) {
    const bool fills_page =
        taking_part_[i]->cache().length() % kPageTokens < size_of(stretches_[i].ids);
    if (fills_page) remember(*taking_part_[i], false);
    if (stretches_[i].wants_logits) writing.push_back(taking_part_[i]);
  }
  const auto width = static_cast<size_t>(runner_.vocab_size());
  runner_.threads().run(static_cast<int64_t>(writing.size()), [&](int64_t task, int) {
    const auto i = static_cast<size_t>(task);
    writing[i]->choose(logits.subspan(i * width, width));
  });
  for (Sequence* sequence : writing) {
    try {
      if (sequence->tell()) continue;
    } catch (...) {
      sequence->fail(as_error(std::current_exception()));
    }
    end(*sequence);
  }
}

void Scheduler::remember(Sequence& sequence, bool with_part) {
  const PagedSequence& cache = sequence.cache();
  const int64_t length = cache.length();
  const int64_t tokens = with_part ? length : length / kPageTokens * kPageTokens;
  if (tokens == 0) return;
  tree_.insert(first_of(sequence.ids(), tokens), first_of(cache.pages(), pages_for(tokens)));
}

// The listener was told; the pages stay in the tree for those to come.
void Scheduler::end(Sequence& sequence) {
  remember(sequence, true);
  sequence.cache().clear();
  ended_.insert(&sequence);
  const GenerateResult& result = sequence.result();
  counters_.prompt_tokens += result.prompt_tokens;
  counters_.cached_tokens += result.cached_tokens;
  counters_.decoded_tokens += static_cast<int64_t>(result.ids.size());
}

}  // namespace onmal
