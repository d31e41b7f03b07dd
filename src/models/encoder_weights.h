#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "formats/metadata.h"
#include "formats/tensor_table.h"
#include "models/encoder_config.h"
#include "models/weight_io.h"
#include "nn/param.h"

namespace onmal {

// Where an encoder's weight lies in a file: `theirs`, or the part-th of `parts` equal shares of its
// rows. Several rules may name the same weight of ours: the first that fits the file counts.
struct EncoderRule {
  std::string_view ours;  // "{}" stands for the layer number, here and below
  std::string_view theirs;
  int64_t part = 0;
  int64_t parts = 1;
};

// A model file while its configuration is read.
struct EncoderSource {
  const Metadata& metadata;
  FindTensor find;

  bool has(const std::string& name) const { return find(name).defined(); }
};

// A family of encoders as files know it. A new family is one file with one such constant and one
// line in the registry.
struct EncoderFamily {
  std::string_view gguf_name;  // general.architecture; "": no such files
  // Whether a config.json is of this family.
  bool (*is_hugging_face)(const Metadata& metadata) = nullptr;
  std::span<const EncoderRule> gguf_rules;
  std::span<const EncoderRule> hugging_face_rules;
  void (*read_gguf)(const EncoderSource& source, EncoderConfig& config) = nullptr;
  void (*read_hugging_face)(const EncoderSource& source, EncoderConfig& config) = nullptr;
  // config.json with the class of the bare model under "architectures", and what task models put
  // before the names of its weights; null where such a model cannot be written.
  void (*write_hugging_face)(const EncoderConfig& config, Metadata& metadata) = nullptr;
  std::string (*hugging_face_prefix)(const EncoderConfig& config) = nullptr;
  // The keys of the family in GGUF; throws Error(kUnsupported), naming the metadata's file, for a
  // model that readers of such files would compute otherwise. Null where none are written.
  void (*write_gguf)(const EncoderConfig& config, Metadata& metadata) = nullptr;
  // Whether GGUF files are written by this rule rather than a later one; null: all.
  bool (*writes_gguf)(const EncoderRule& rule) = nullptr;
};

// Null when the file is of no family of encoders.
const EncoderFamily* find_encoder_family_gguf(std::string_view architecture);
const EncoderFamily* find_encoder_family_hugging_face(const Metadata& config);
// "bert, nomic-bert…", for messages.
std::string known_encoder_families();

// Fills every weight that `visit` shows. Vectors become f32; matrices stay as stored (borrowed) or
// are converted to `matrices`. A pattern without a rule of its own uses that of "encoder." +
// pattern. Throws Error(kBadFile), naming the weight, when one is missing or misshapen.
void load_params(FunctionRef<void(ParamVisitor)> visit, std::span<const EncoderRule> rules,
                 FindTensor find, Allocator& memory, std::optional<DType> matrices,
                 const std::string& where);

// Every weight under the first of its names that `accept` takes; matrices as `matrices`. Throws
// Error(kUnsupported), naming the weight, when there is none.
std::vector<NamedTensor> store_params(FunctionRef<void(ParamVisitor)> visit,
                                      std::span<const EncoderRule> rules,
                                      FunctionRef<bool(std::string_view theirs)> accept,
                                      Allocator& memory, DType matrices, const std::string& where);
// The same in the number format that `dtype_of` names for each weight, by the first rule that
// `accept` takes; shares become one tensor, in the format of the first that comes.
std::vector<NamedTensor> store_params_as(FunctionRef<void(ParamVisitor)> visit,
                                         std::span<const EncoderRule> rules,
                                         FunctionRef<bool(const EncoderRule& rule)> accept,
                                         Allocator& memory,
                                         FunctionRef<DType(const Param& param)> dtype_of,
                                         const std::string& where);

// What GGUF files keep a weight of an encoder in when matrices are to be `matrices`: tables of
// positions, token types and distances stay f32, as llama.cpp's do; else as stored_dtype.
DType encoder_gguf_dtype(const Param& param, DType matrices);

// `name`, or what it is called with one of the prefixes that Hugging Face's task models put before
// it, or with the LayerNorm names of old checkpoints.
Tensor find_with_prefix(FindTensor find, const std::string& name);

}  // namespace onmal
