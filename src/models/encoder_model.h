#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "models/model_file.h"
#include "models/task_head.h"
#include "tensor/allocators.h"

namespace onmal {

// An encoder with all that belongs to it. Move-only; keeps the mapped file that its weights may
// point into.
struct EncoderModel {
  // What weights live in outlives them: declared before the encoder.
  std::unique_ptr<HeapAllocator> memory = std::make_unique<HeapAllocator>();
  std::shared_ptr<void> backing;
  std::unique_ptr<Encoder> encoder;
  ModelTokenizer tokenizer;
  std::filesystem::path path;
};

// The encoder in a file that is one (ModelKind::kEncoder), its weights from `memory` or the file.
std::unique_ptr<Encoder> load_encoder(const ModelFile& file, Allocator& memory,
                                      std::optional<DType> matrices);
EncoderModel load_encoder_model(const ModelFile& file, std::optional<DType> matrices = {});

// Writes a Hugging Face folder; matrices as `matrices`. With `head` it is that of a task model,
// else of the bare encoder. Throws Error(kUnsupported) for a family that cannot be written.
void save_encoder_model(EncoderModel& model, const std::filesystem::path& folder, DType matrices,
                        const TaskHead* head = nullptr, uint64_t most_part_bytes = 0);
// Writes a GGUF file as llama.cpp's converter does, saying how texts are pooled; see
// ConvertibleModel::save_gguf.
std::vector<std::filesystem::path> save_encoder_gguf(EncoderModel& model,
                                                     const std::filesystem::path& file,
                                                     DType matrices, Pooling pooling,
                                                     uint64_t most_part_bytes = 0);

}  // namespace onmal
