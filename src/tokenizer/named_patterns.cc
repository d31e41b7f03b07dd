#include "tokenizer/named_patterns.h"

#include <algorithm>
#include <charconv>

#include "text/utf8.h"

namespace onmal {
namespace {

#define ONMAL_CONTRACTION R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))"
#define ONMAL_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define ONMAL_OTHERS R"( ?[^\s\p{L}\p{N}]+[\r\n]*|)"
#define ONMAL_OTHERS_SLASH R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|)"
// Letters that may be capitals, then letters that may be small; and the reverse emphasis. The
// classes are written as complements: "letters but a to z" has no other form.
#define ONMAL_WORDS(TAIL)                              \
  R"([^\r\n\p{L}\p{N}]?[^\P{L}a-z]*[^\P{L}A-Z]+)" TAIL \
  R"(|[^\r\n\p{L}\p{N}]?[^\P{L}a-z]+[^\P{L}A-Z]*)" TAIL "|"
#define ONMAL_MARKED_WORDS(TAIL)                                                                \
  R"([^\r\n\p{L}\p{N}]?[^\p{N}\p{P}\p{S}\p{Z}\p{C}a-z]*[^\p{N}\p{P}\p{S}\p{Z}\p{C}A-Z]+)" TAIL  \
  R"(|[^\r\n\p{L}\p{N}]?[^\p{N}\p{P}\p{S}\p{Z}\p{C}a-z]+[^\p{N}\p{P}\p{S}\p{Z}\p{C}A-Z]*)" TAIL \
  "|"
#define ONMAL_ASCII_WORD R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
#define ONMAL_MARKED_OTHERS \
  R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" ONMAL_SPACES
#define ONMAL_CJK R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)"
#define ONMAL_HANGUL_CJK R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)"
#define ONMAL_HAN                                                               \
  R"(\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2EBEF})" \
  R"(\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F})"

constexpr std::string_view kGpt2 = "scanner:gpt-2";
constexpr std::string_view kLlama = "scanner:llama-bpe";
constexpr std::string_view kQwen2 = "scanner:qwen2";
constexpr std::string_view kLines = R"([^\n]+|[\n]+)";

constexpr std::string_view kDeepseekLetters =
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})"
    R"(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A})"
    R"(\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556})"
    R"(\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF})"
    R"(\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D})"
    R"(\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4})"
    R"(\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124})"
    R"(\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F})"
    R"(\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})"
    R"(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17})"
    R"(\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3})"
    R"(\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943}]+)";

constexpr std::string_view kBloomWords =
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";

constexpr NamedPatterns kNamed[] = {
    {{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0",
      "mellum", "modern-bert", "exaone4"},
     {kGpt2}},
    {{"mpt", "olmo", "jais", "trillion", "granite-docling"}, {kGpt2}},
    {{"roberta-bpe", "jina-v1-en", "jina-v2-code"}, {kGpt2}, false, false, true},
    {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
      "jina-v5-nano"},
     {kLlama},
     true,
     true},
    {{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, {kLlama}},
    {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan",
      "solar-open", "grok-2"},
     {kQwen2}},
    {{"superbpe"}, {"scanner:superbpe"}},
    {{"qwen35"},
     {ONMAL_CONTRACTION
      R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" ONMAL_SPACES}},
    {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"},
     {R"(\p{N})", kGpt2}},
    {{"falcon"}, {R"([\p{P}$+<=>^~|`]+)", kGpt2, "[0-9][0-9][0-9]"}},
    {{"default", ""}, {R"([\p{P}$+<=>^~|]+)", kGpt2, R"(\p{N}+)", "[0-9][0-9][0-9]"}},
    {{"deepseek-llm"},
     {R"([\r\n])", kDeepseekLetters,
      R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
      R"((?<!\s)\s+\z)", ONMAL_HANGUL_CJK, R"(\p{N}+)"}},
    {{"deepseek-coder"},
     {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", ONMAL_HANGUL_CJK, R"(\p{N})"}},
    {{"deepseek-v3", "hunyuan-dense", "joyai-llm"},
     {R"(\p{N}{1,3})", ONMAL_CJK, ONMAL_ASCII_WORD ONMAL_MARKED_OTHERS}},
    {{"youtu"},
     {R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019})"
      R"(\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+)"
      R"(|[\x{3105}-\x{312F}]+|)" ONMAL_CJK,
      R"([^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)" ONMAL_CONTRACTION
      R"(?|\p{N}|)" ONMAL_OTHERS_SLASH ONMAL_SPACES},
     true},
    {{"bloom", "poro-chat", "gpt3-finnish"}, {kBloomWords}},
    {{"viking"}, {kBloomWords, R"(\p{N})"}},
    {{"tekken"}, {ONMAL_WORDS("") R"(\p{N}|)" ONMAL_OTHERS_SLASH ONMAL_SPACES}, true, true},
    {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"},
     {ONMAL_WORDS(ONMAL_CONTRACTION "?") R"(\p{N}{1,3}|)" ONMAL_OTHERS_SLASH ONMAL_SPACES}},
    {{"granite-embed-multi-97m"},
     {ONMAL_MARKED_WORDS(ONMAL_CONTRACTION "?") R"(\p{N}{1,3}|)" ONMAL_OTHERS_SLASH ONMAL_SPACES},
     true},
    {{"tiny_aya", "cohere2moe"},
     {kDigitGroups, R"([^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)" ONMAL_CONTRACTION
                    R"(?|\p{N}{1,3}|)" ONMAL_OTHERS_SLASH ONMAL_SPACES}},
    {{"chameleon"},
     {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", R"([\t\n]|    |  )", R"(\p{N})",
      R"([\p{P}!-/:-@\[-`{-~])", kGpt2},
     false,
     true},
    {{"jais-2"},
     {ONMAL_CONTRACTION
      R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)" ONMAL_OTHERS
      // Where a space comes before, no newline follows in this run: one was taken with its spaces.
      R"((?<![^\S\r\n])\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S))"
      R"(|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s)"}},
    {{"kimi-k2"},
     {"[" ONMAL_HAN R"(]+|[^\r\n\p{L}\p{N}]?[^\P{L})" ONMAL_HAN "]+" ONMAL_CONTRACTION
      R"(?|\p{N}{1,3}|)" ONMAL_OTHERS ONMAL_SPACES}},
    {{"bailingmoe", "bailingmoe2", "llada-moe"},
     {R"('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)" ONMAL_OTHERS
      R"(\s*[\r\n]|\s+(?!\S)|\s+)"}},
    {{"seed-coder"},
     {ONMAL_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" ONMAL_SPACES}},
    {{"afmoe"},
     {kDigitGroups,
      R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{30FF}\x{FF65}-\x{FF9F})"
      R"(\x{2F00}-\x{2FDF}\x{E40}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F})"
      R"(\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)",
      ONMAL_ASCII_WORD ONMAL_MARKED_OTHERS}},
    {{"laguna"}, {kLines, kQwen2}},
    {{"exaone-moe"},
     {ONMAL_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}[\p{L}\p{M}]*+(?: \p{L}[\p{L}\p{M}]*+)*+|\p{N}|)"
                        R"( ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"}},
    {{"minicpm5"},
     {R"(\p{N}{1,3})",
      ONMAL_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+|)" ONMAL_OTHERS ONMAL_SPACES},
     true},
    {{"gemma4", "granite-embed-multi-311m"}, {kLines}, false, true, false, true},
    {{"sarvam-moe"}, {kLines}, false, false, false, true},
};

}  // namespace

std::span<const NamedPatterns> named_patterns() { return kNamed; }

const NamedPatterns* find_named_patterns(std::string_view name) {
  for (const NamedPatterns& named : kNamed) {
    if (!name.empty() &&
        std::find(named.names.begin(), named.names.end(), name) != named.names.end())
      return &named;
  }
  return nullptr;
}

std::string hugging_face_pattern(std::string_view pattern) {
  std::string result;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i).starts_with("\\x{")) {
      uint32_t code = 0;
      const size_t end = pattern.find('}', i);
      std::from_chars(pattern.data() + i + 3, pattern.data() + end, code, 16);
      append_utf8(code, result);
      i = end;
    } else {
      result += pattern[i];
      if (pattern[i] == '\\' && i + 1 < pattern.size()) result += pattern[++i];
    }
  }
  return result;
}

}  // namespace onmal
