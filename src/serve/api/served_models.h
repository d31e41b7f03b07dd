#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
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
  ChatModel(const std::filesystem::path& path, int threads, const EngineOptions& options);

  std::string name;
  LanguageModel model;
  ThreadPool pool;
  std::unique_ptr<ChatTemplate> chat_template;  // null: it only continues texts
  std::unique_ptr<ChatEncoder> encoder;
  int32_t end_of_message = -1;
  Engine engine;  // last: ends first
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

// Models by name, each loaded at its first use. Thread-safe. A
// model in use is not let go of: the engine's thread must never be the last that holds it.
class ServedModels {
 public:
  explicit ServedModels(ServedModelOptions options) : options_(std::move(options)) {}
  ~ServedModels();  // waits for what the engines have under way

  // Throws Error(kInvalidArgument) for a name that is taken, Error as inspecting the file does.
  void add(const std::string& name, const std::filesystem::path& path, ServedKind kind);
  // The first added of a kind answers where no name is given. Throws HttpError(404) for an unknown
  // name, HttpError(400) for a model of the other kind.
  std::shared_ptr<ChatModel> chat(const std::string& name);
  std::shared_ptr<VectorModel> vectors(const std::string& name);

  struct Listed {
    std::string name;
    ServedKind kind;
    bool loaded;
  };
  std::vector<Listed> list() const;
  // The loaded ones.
  std::vector<std::shared_ptr<ChatModel>> loaded_chats() const;

 private:
  struct Entry {
    std::filesystem::path path;
    ServedKind kind = ServedKind::kChat;
    uint64_t bytes = 0;
    uint64_t last_used = 0;
    std::shared_ptr<ChatModel> chat;
    std::shared_ptr<VectorModel> vectors;
  };
  Entry& entry(const std::string& name, ServedKind kind);
  void make_room(const Entry& wanted);

  ServedModelOptions options_;
  mutable std::mutex mutex_;  // also while loading: two loads at a time would only be slower
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
  uint64_t clock_ = 0;
};

}  // namespace onmal
