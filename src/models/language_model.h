#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/decoder.h"
#include "models/task_head.h"
#include "models/weight_packing.h"
#include "tensor/allocators.h"
#include "tokenizer/tokenizer.h"

namespace onmal {

// A decoder with all that belongs to it. Move-only; keeps the mapped file that its weights may
// point into.
struct LanguageModel {
  LanguageModel() = default;
  LanguageModel(LanguageModel&&) noexcept = default;
  LanguageModel& operator=(LanguageModel&& other) noexcept {
    packing = std::move(other.packing);
    decoder = std::move(other.decoder);  // first: the old weights go before what they live in
    memory = std::move(other.memory);
    backing = std::move(other.backing);
    tokenizer = std::move(other.tokenizer);
    tokenizer_problem = std::move(other.tokenizer_problem);
    chat_template = std::move(other.chat_template);
    bos_token = std::move(other.bos_token);
    eos_token = std::move(other.eos_token);
    end_ids = std::move(other.end_ids);
    path = std::move(other.path);
    return *this;
  }

  // What weights live in outlives them: declared before the decoder, so destroyed after it.
  std::shared_ptr<HeapAllocator> memory = std::make_shared<HeapAllocator>();
  std::shared_ptr<void> backing;  // the mapping that borrowed weights point into
  std::unique_ptr<Decoder> decoder;
  std::shared_ptr<WeightPacking> packing = std::make_shared<WeightPacking>();
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the file carries none that we know
  std::string tokenizer_problem;               // why not, when it carries one
  std::string chat_template;                   // Jinja source as the file gives it; "" without one
  std::string bos_token, eos_token;            // as its chat template sees them; "" without
  std::vector<int32_t> end_ids;                // tokens that end an answer
  std::filesystem::path path;
};

struct LoadOptions {
  // Convert all matrices to this format while loading (f32 to train); none: as stored, mapped where
  // possible.
  std::optional<DType> matrices;
};

// Loads a Hugging Face folder (config.json, tokenizer.json, *.safetensors) or a GGUF file, perhaps
// split; a folder that holds one single .gguf model and no config.json counts as that model. Throws
// Error naming what is missing, unknown or malformed.
LanguageModel load_language_model(const std::filesystem::path& path,
                                  const LoadOptions& options = {});

// Another model with the same weights in the same memory: adapters attached to one do not change
// the other. Neither's weights may be changed afterwards.
LanguageModel share_weights(const LanguageModel& model);

// Writes a Hugging Face folder; matrices as f32, f16 or bf16; weights in shards of at most
// `most_part_bytes` (0: in one file). With `head` the folder is that of a task model.
void save_hugging_face(LanguageModel& model, const std::filesystem::path& folder, DType matrices,
                       uint64_t most_part_bytes = 0, const TaskHead* head = nullptr);
// Writes one GGUF file that llama.cpp loads; matrices as f32, f16, bf16 or q8_0 (rows that q8_0's
// blocks do not divide stay f16), vectors as f32.
// In parts of at most `most_part_bytes` (0: in one file); returns the files.
std::vector<std::filesystem::path> save_gguf(LanguageModel& model,
                                             const std::filesystem::path& file, DType matrices,
                                             uint64_t most_part_bytes = 0);

}  // namespace onmal
