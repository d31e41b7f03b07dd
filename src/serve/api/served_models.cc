#include "serve/api/served_models.h"

#include <algorithm>
#include <utility>

#include "infer/conversation.h"
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

uint64_t bytes_of(const std::filesystem::path& path) {
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

ChatModel::ChatModel(const std::filesystem::path& path, int threads, const EngineOptions& options)
    : model(load_language_model(path)),
      pool(threads),
      chat_template(make_template(model)),
      encoder(model.tokenizer == nullptr ? nullptr
                                         : std::make_unique<ChatEncoder>(*model.tokenizer)),
      end_of_message(chat_template == nullptr ? -1 : find_end_of_message(*chat_template, *encoder)),
      engine(model, pool, options) {}

ServedModels::~ServedModels() {
  for (auto& [name, one] : entries_) {
    if (one.chat != nullptr) one.chat->engine.drain();
  }
}

void ServedModels::add(const std::string& name, const std::filesystem::path& path,
                       ServedKind kind) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::kIo, path.string(), "is not there", "name a model file or folder");
  const std::lock_guard lock(mutex_);
  Entry made;
  made.path = path;
  made.kind = kind;
  made.bytes = bytes_of(path);
  if (!entries_.emplace(name, std::move(made)).second) {
    throw Error(ErrorCode::kInvalidArgument, name, "is the name of two models",
                "give one of them another: NAME=PATH");
  }
  order_.push_back(name);
}

ServedModels::Entry& ServedModels::entry(const std::string& name, ServedKind kind) {
  for (const std::string& known : order_) {
    Entry& found = entries_.at(known);
    if (name.empty() ? found.kind != kind : known != name) continue;
    if (found.kind != kind) {
      throw HttpError(400,
                      "The model '" + name + "' is of the kind '" +
                          std::string(served_kind_name(found.kind)) + "' and cannot do this.",
                      "model_not_supported", "model");
    }
    found.last_used = ++clock_;
    return found;
  }
  if (name.empty())
    throw HttpError(404, "No model of this kind is served.", "model_not_found", "model");
  throw HttpError(404, "The model '" + name + "' does not exist.", "model_not_found", "model");
}

// Lets go of the longest unused until the wanted one fits.
void ServedModels::make_room(const Entry& wanted) {
  if (options_.memory_bytes == 0) return;
  while (true) {
    uint64_t used = wanted.bytes;
    Entry* oldest = nullptr;
    for (auto& [name, other] : entries_) {
      const bool loaded = other.chat != nullptr || other.vectors != nullptr;
      if (!loaded || &other == &wanted) continue;
      used += other.bytes;
      if (other.chat.use_count() > 1 || other.vectors.use_count() > 1) continue;
      if (oldest == nullptr || other.last_used < oldest->last_used) oldest = &other;
    }
    if (used <= options_.memory_bytes || oldest == nullptr) return;
    oldest->chat.reset();
    oldest->vectors.reset();
  }
}

std::shared_ptr<ChatModel> ServedModels::chat(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Entry& found = entry(name, ServedKind::kChat);
  if (found.chat == nullptr) {
    make_room(found);
    found.chat = std::make_shared<ChatModel>(found.path, options_.threads, options_.engine);
    for (const auto& [known, other] : entries_) {
      if (&other == &found) found.chat->name = known;
    }
  }
  return found.chat;
}

std::shared_ptr<VectorModel> ServedModels::vectors(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Entry& found = entry(name, ServedKind::kEmbedding);
  if (found.vectors == nullptr) {
    make_room(found);
    found.vectors = std::make_shared<VectorModel>(found.path, options_.threads);
  }
  return found.vectors;
}

std::vector<ServedModels::Listed> ServedModels::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Listed> listed;
  for (const std::string& name : order_) {
    const Entry& one = entries_.at(name);
    listed.push_back({name, one.kind, one.chat != nullptr || one.vectors != nullptr});
  }
  return listed;
}

std::vector<std::shared_ptr<ChatModel>> ServedModels::loaded_chats() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<ChatModel>> loaded;
  for (const auto& [name, one] : entries_) {
    if (one.chat != nullptr) loaded.push_back(one.chat);
  }
  return loaded;
}

}  // namespace onmal
