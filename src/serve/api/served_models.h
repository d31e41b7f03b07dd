#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "infer/engine/engine.h"
#include "models/language_model.h"
#include "models/text_encoder.h"
#include "tokenizer/chat_encoder.h"
#include "tokenizer/chat_template.h"

namespace onmal {

// A model that writes, and the engine that answers with it.
struct ChatModel {
  // Throws as loading does.
  ChatModel(const std::filesystem::path& path, int threads, const EngineOptions& options);
  // The weights of `shared`, changed by an adapter. Throws as loading that does.
  ChatModel(std::shared_ptr<ChatModel> shared, const std::filesystem::path& adapter, int threads,
            const EngineOptions& options);

  std::string name;
  std::shared_ptr<ChatModel> base;  // whose weights these are; null: its own
  LanguageModel model;
  ThreadPool pool;
  std::unique_ptr<ChatTemplate> chat_template;  // null: it only continues texts
  std::unique_ptr<ChatEncoder> encoder;
  int32_t end_of_message = -1;
  Engine engine;  // last: ends first

 private:
  ChatModel(LanguageModel loaded, int threads, const EngineOptions& options);
};

// A model that turns texts into vectors.
struct VectorModel {
  VectorModel(const std::filesystem::path& path, int threads) : encoder(path), pool(threads) {}

  TextEncoder encoder;
  ThreadPool pool;
  std::mutex mutex;  // one use at a time
};

enum class ServedKind : uint8_t { kChat, kEmbedding };
std::string_view served_kind_name(ServedKind kind);

struct ServedModelOptions {
  int threads = 0;
  EngineOptions engine;
  // Of weights in files; beyond, those longest unused are let go of. 0: no limit.
  uint64_t memory_bytes = 0;
};

// Models by name, each loaded at its first use; an adapter is one, and shares its base's weights,
// which stay as long as it does. Thread-safe. A model in use is not let go of: the engine's thread
// must never be the last that holds it. While one loads, the others answer.
class ServedModels {
 public:
  explicit ServedModels(ServedModelOptions options) : options_(std::move(options)) {}
  ~ServedModels();  // waits for what the engines have under way

  // Throws Error(kInvalidArgument) for a name that is taken or a model larger than the memory there
  // is for all, Error as inspecting the file does.
  void add(const std::string& name, const std::filesystem::path& path, ServedKind kind);
  // A chat model with an adapter, served as "BASE:NAME" and, where no model has that name, as NAME.
  // base "": the first chat model. Throws as add(), and Error(kInvalidArgument) for an unknown
  // base.
  void add_adapter(const std::string& base, const std::string& name,
                   const std::filesystem::path& path);
  // The first added of a kind answers where no name is given. Throws HttpError(404) for an unknown
  // name, HttpError(400) for a model of the other kind, HttpError(503) when there is no room beside
  // the models in use.
  std::shared_ptr<ChatModel> chat(const std::string& name);
  std::shared_ptr<VectorModel> vectors(const std::string& name);

  enum class State : uint8_t { kUnloaded, kLoading, kLoaded };
  struct Listed {
    std::string name;
    ServedKind kind;
    State state;
    uint64_t bytes;
    std::string base, short_name;  // of an adapter
    int64_t context;               // of a chat model that is loaded; else 0
  };
  std::vector<Listed> list() const;
  // The loaded ones.
  std::vector<std::shared_ptr<ChatModel>> loaded_chats() const;

 private:
  struct Entry {
    std::string name;
    std::filesystem::path path;  // of an adapter: its own
    std::string base, short_name;
    ServedKind kind = ServedKind::kChat;
    uint64_t bytes = 0;
    uint64_t last_used = 0;
    bool loading = false;
    std::shared_ptr<ChatModel> chat;
    std::shared_ptr<VectorModel> vectors;

    bool loaded() const { return chat != nullptr || vectors != nullptr; }
    // By others than `holders` adapters, which share its weights.
    bool in_use(int64_t holders) const {
      return loading || chat.use_count() > 1 + holders || vectors.use_count() > 1;
    }
  };
  typedef std::vector<std::shared_ptr<ChatModel>> Chats;
  struct Gone {
    Chats chats;
    std::vector<std::shared_ptr<VectorModel>> vectors;
  };
  void add_entry(Entry made);
  Entry& entry(const std::string& name, ServedKind kind);
  void load(Entry& wanted, std::unique_lock<std::mutex>& lock);
  std::shared_ptr<ChatModel> make_chat(const Entry& wanted,
                                       const std::shared_ptr<ChatModel>& base) const;
  bool could_go(const Entry& one) const;
  Entry* oldest_free(const Entry& wanted, const Chats& gone) const;
  Gone make_room(const Entry& wanted);

  ServedModelOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable loaded_;
  std::vector<std::unique_ptr<Entry>> entries_;  // in the order they were added
  uint64_t clock_ = 0;
};

std::string_view served_state_name(ServedModels::State state);

}  // namespace onmal
