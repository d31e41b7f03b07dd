#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/encoder_decoder.h"
#include "models/model_file.h"
#include "tensor/allocators.h"

namespace onmal {

// An encoder–decoder with all that belongs to it. Move-only; keeps the mapped file that its weights
// may point into.
struct EncoderDecoderModel {
  // What weights live in outlives them: declared before the network.
  std::unique_ptr<HeapAllocator> memory = std::make_unique<HeapAllocator>();
  std::shared_ptr<void> backing;
  std::unique_ptr<EncoderDecoder> network;
  ModelTokenizer tokenizer;
  std::filesystem::path path;
};

// Loads a Hugging Face folder (T5, Marian) or a GGUF file (T5). Throws Error naming what is
// missing, unknown or malformed.
EncoderDecoderModel load_encoder_decoder(const std::filesystem::path& path,
                                         std::optional<DType> matrices = {});

// Writes a Hugging Face folder; matrices as `matrices`. Vocabularies that have no tokenizer.json
// (Marian's) are copied from where the model came. Throws Error(kUnsupported) for a family that
// cannot be written.
void save_encoder_decoder(EncoderDecoderModel& model, const std::filesystem::path& folder,
                          DType matrices, uint64_t most_part_bytes = 0);
// Writes a GGUF file (T5 and its kin) as llama.cpp's converter does; see
// ConvertibleModel::save_gguf.
std::vector<std::filesystem::path> save_encoder_decoder_gguf(EncoderDecoderModel& model,
                                                             const std::filesystem::path& file,
                                                             DType matrices,
                                                             uint64_t most_part_bytes = 0);

}  // namespace onmal
