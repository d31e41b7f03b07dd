#include "serve/api/served_models.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/memory_size.h"
#include "infer/conversation.h"
#include "models/adapter.h"
#include "serve/http/http_error.h"

namespace onmal {
namespace {

std::unique_ptr<ChatTemplate> make_template(const LanguageModel& model) {
  if (model.tokenizer == nullptr) return nullptr;
  const bool marks =
      model.tokenizer->find("<|im_start|>") >= 0 && model.tokenizer->find("<|im_end|>") >= 0;
  if (model.chat_template.empty() && !marks) return nullptr;
  return std::make_unique<ChatTemplate>(model.chat_template, model.bos_token, model.eos_token,
                                        model.path.filename().string());
}

LanguageModel changed(const LanguageModel& base, const std::filesystem::path& adapter) {
  LanguageModel model = share_weights(base);
  load_adapter(model, adapter);
  return model;
}

uint64_t bytes_of(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::kIo, path.string(), "is not there", "name a model file or folder");
  if (!std::filesystem::is_directory(path)) return std::filesystem::file_size(path);
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  return bytes;
}

}  // namespace

std::string_view served_kind_name(ServedKind kind) {
  return kind == ServedKind::kChat ? "chat" : "embedding";
}

std::string_view served_state_name(ServedModels::State state) {
  switch (state) {
    case ServedModels::State::kUnloaded:
      return "unloaded";
    case ServedModels::State::kLoading:
      return "loading";
    default:
      return "loaded";
  }
}

ChatModel::ChatModel(const std::filesystem::path& path, int threads, const EngineOptions& options)
    : ChatModel(load_language_model(path), threads, options) {}

ChatModel::ChatModel(std::shared_ptr<ChatModel> shared, const std::filesystem::path& adapter,
                     int threads, const EngineOptions& options)
    : ChatModel(changed(shared->model, adapter), threads, options) {
  base = std::move(shared);
}

ChatModel::ChatModel(LanguageModel loaded, int threads, const EngineOptions& options)
    : model(std::move(loaded)),
      pool(threads),
      chat_template(make_template(model)),
      encoder(model.tokenizer == nullptr ? nullptr
                                         : std::make_unique<ChatEncoder>(*model.tokenizer)),
      end_of_message(chat_template == nullptr ? -1 : find_end_of_message(*chat_template, *encoder)),
      engine(model, pool, options) {}

ServedModels::~ServedModels() {
  for (const auto& one : entries_) {
    if (one->chat != nullptr) one->chat->engine.drain();
  }
}

void ServedModels::add(const std::string& name, const std::filesystem::path& path,
                       ServedKind kind) {
  Entry made;
  made.name = name;
  made.path = path;
  made.kind = kind;
  made.bytes = bytes_of(path);
  add_entry(std::move(made));
}

void ServedModels::add_adapter(const std::string& base, const std::string& name,
                               const std::filesystem::path& path) {
  Entry made;
  for (const auto& one : entries_) {
    const bool is_base = base.empty() ? one->kind == ServedKind::kChat : one->name == base;
    if (!is_base || one->kind != ServedKind::kChat || !one->base.empty()) continue;
    made.base = one->name;
    break;
  }
  if (made.base.empty()) {
    throw Error(ErrorCode::kInvalidArgument, path.string(),
                base.empty() ? "has no model to change"
                             : "is to change '" + base + "', which is no chat model that is served",
                "name one with --model");
  }
  made.name = made.base + ":" + name;
  made.short_name = name;
  made.path = path;
  made.bytes = bytes_of(path);
  add_entry(std::move(made));
}

void ServedModels::add_entry(Entry made) {
  const std::lock_guard lock(mutex_);
  uint64_t needed = made.bytes;
  for (const auto& one : entries_) {
    if (one->name == made.base) needed += one->bytes;
    if (one->name != made.name) continue;
    throw Error(ErrorCode::kInvalidArgument, made.name, "is the name of two models",
                "give one of them another: NAME=PATH");
  }
  if (options_.memory_bytes > 0 && needed > options_.memory_bytes) {
    throw Error(ErrorCode::kInvalidArgument, made.name,
                "has " + describe_bytes(static_cast<int64_t>(needed)) +
                    " of weights, more than all models may take",
                "raise --model-memory");
  }
  entries_.push_back(std::make_unique<Entry>(std::move(made)));
}

// Whole names first: an adapter's short one never hides a model.
ServedModels::Entry& ServedModels::entry(const std::string& name, ServedKind kind) {
  Entry* found = nullptr;
  for (const auto& one : entries_) {
    const bool is = name.empty() ? one->kind == kind : one->name == name;
    if (is && found == nullptr) found = one.get();
  }
  for (const auto& one : entries_) {
    if (found == nullptr && !name.empty() && one->short_name == name) found = one.get();
  }
  if (found == nullptr && name.empty())
    throw HttpError(404, "No model of this kind is served.", "model_not_found", "model");
  if (found == nullptr)
    throw HttpError(404, "The model '" + name + "' does not exist.", "model_not_found", "model");
  if (found->kind != kind) {
    throw HttpError(400,
                    "The model '" + name + "' is of the kind '" +
                        std::string(served_kind_name(found->kind)) + "' and cannot do this.",
                    "model_not_supported", "model");
  }
  found->last_used = ++clock_;
  return *found;
}

// Whether nobody uses it, nor an adapter of it.
bool ServedModels::could_go(const Entry& one) const {
  int64_t holders = 0;
  for (const auto& other : entries_) {
    if (other->chat == nullptr || other->chat->base != one.chat || one.chat == nullptr) continue;
    if (other->in_use(0)) return false;
    ++holders;
  }
  return one.loaded() && !one.in_use(holders);
}

// Of those that nobody uses the longest unused, an adapter before its base; `gone` are on their
// way.
ServedModels::Entry* ServedModels::oldest_free(const Entry& wanted, const Chats& gone) const {
  Entry* oldest = nullptr;
  for (const auto& one : entries_) {
    const auto holders = std::count_if(gone.begin(), gone.end(), [&](const auto& chat) {
      return one->chat != nullptr && chat->base == one->chat;
    });
    if (one.get() == &wanted || !one->loaded() || one->in_use(holders)) continue;
    if (oldest == nullptr || one->last_used < oldest->last_used) oldest = one.get();
  }
  return oldest;
}

// Takes the longest unused away until the wanted one fits; they end where the caller drops them.
ServedModels::Gone ServedModels::make_room(const Entry& wanted) {
  Gone gone;
  if (options_.memory_bytes == 0) return gone;
  uint64_t used = wanted.bytes;
  uint64_t free = 0;
  for (const auto& one : entries_) {
    if (one.get() == &wanted || (!one->loaded() && !one->loading)) continue;
    used += one->bytes;
    if (could_go(*one)) free += one->bytes;
  }
  if (used > options_.memory_bytes + free) {
    HttpError full(503,
                   "There is no memory for the model '" + wanted.name +
                       "' while the others are in use; try again later.",
                   "model_memory_full", "model");
    full.retry_after = 2;
    throw full;
  }
  while (used > options_.memory_bytes) {
    Entry* oldest = oldest_free(wanted, gone.chats);
    ONMAL_ASSERT(oldest != nullptr);
    used -= oldest->bytes;
    if (oldest->chat != nullptr) gone.chats.push_back(std::exchange(oldest->chat, nullptr));
    if (oldest->vectors != nullptr) gone.vectors.push_back(std::exchange(oldest->vectors, nullptr));
  }
  return gone;
}

std::shared_ptr<ChatModel> ServedModels::make_chat(const Entry& wanted,
                                                   const std::shared_ptr<ChatModel>& base) const {
  auto made =
      base == nullptr
          ? std::make_shared<ChatModel>(wanted.path, options_.threads, options_.engine)
          : std::make_shared<ChatModel>(base, wanted.path, options_.threads, options_.engine);
  made->name = wanted.name;
  return made;
}

// Loads what is not there yet, an adapter's base first; the lock is open meanwhile.
void ServedModels::load(Entry& wanted, std::unique_lock<std::mutex>& lock) {
  loaded_.wait(lock, [&] { return !wanted.loading; });
  if (wanted.loaded()) return;
  std::shared_ptr<ChatModel> base;
  if (!wanted.base.empty()) {
    Entry& below = entry(wanted.base, ServedKind::kChat);
    load(below, lock);
    base = below.chat;
    loaded_.wait(lock, [&] { return !wanted.loading; });
    if (wanted.loaded()) return;
  }
  Gone gone = make_room(wanted);
  wanted.loading = true;
  lock.unlock();
  std::shared_ptr<ChatModel> chat;
  std::shared_ptr<VectorModel> vectors;
  std::exception_ptr failed;
  try {
    gone = {};
    if (wanted.kind == ServedKind::kChat) {
      chat = make_chat(wanted, base);
    } else {
      vectors = std::make_shared<VectorModel>(wanted.path, options_.threads);
    }
  } catch (...) {
    failed = std::current_exception();
  }
  base.reset();
  lock.lock();
  wanted.loading = false;
  wanted.chat = std::move(chat);
  wanted.vectors = std::move(vectors);
  loaded_.notify_all();
  if (failed) std::rethrow_exception(failed);
}

std::shared_ptr<ChatModel> ServedModels::chat(const std::string& name) {
  std::unique_lock lock(mutex_);
  Entry& found = entry(name, ServedKind::kChat);
  load(found, lock);
  return found.chat;
}

std::shared_ptr<VectorModel> ServedModels::vectors(const std::string& name) {
  std::unique_lock lock(mutex_);
  Entry& found = entry(name, ServedKind::kEmbedding);
  load(found, lock);
  return found.vectors;
}

std::vector<ServedModels::Listed> ServedModels::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Listed> listed;
  for (const auto& one : entries_) {
    State state = one->loaded() ? State::kLoaded : State::kUnloaded;
    if (one->loading) state = State::kLoading;
    listed.push_back({one->name, one->kind, state, one->bytes, one->base, one->short_name,
                      one->chat == nullptr ? 0 : one->chat->engine.context()});
  }
  return listed;
}

std::vector<std::shared_ptr<ChatModel>> ServedModels::loaded_chats() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ChatModel>> loaded;
  for (const auto& one : entries_) {
    if (one->chat != nullptr) loaded.push_back(one->chat);
  }
  return loaded;
}

}  // namespace onmal
