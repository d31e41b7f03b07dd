#include "answer/translate.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/hangul.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

constexpr int64_t kSpareTokens = 16;

struct Language {
  const char* code;
  const char* name;
};

constexpr std::array<Language, 24> kLanguages = {
    {{"ko", "Korean"},     {"en", "English"}, {"ja", "Japanese"},   {"zh", "Chinese"},
     {"de", "German"},     {"fr", "French"},  {"es", "Spanish"},    {"it", "Italian"},
     {"pt", "Portuguese"}, {"ru", "Russian"}, {"vi", "Vietnamese"}, {"th", "Thai"},
     {"id", "Indonesian"}, {"ar", "Arabic"},  {"hi", "Hindi"},      {"tr", "Turkish"},
     {"nl", "Dutch"},      {"pl", "Polish"},  {"uk", "Ukrainian"},  {"sv", "Swedish"},
     {"el", "Greek"},      {"he", "Hebrew"},  {"mn", "Mongolian"},  {"uz", "Uzbek"}}};

struct Script {
  uint32_t first, last;
  const char* language;
};

constexpr std::array<Script, 8> kScripts = {{{0x3040, 0x30FF, "ja"},
                                             {0x0400, 0x04FF, "ru"},
                                             {0x0370, 0x03FF, "el"},
                                             {0x0600, 0x06FF, "ar"},
                                             {0x0590, 0x05FF, "he"},
                                             {0x0900, 0x097F, "hi"},
                                             {0x0E00, 0x0E7F, "th"},
                                             {0x4E00, 0x9FFF, "zh"}}};

// What a tuned model of several languages wants before the text: MADLAD's and Marian's tokens.
std::string language_token(const TaskModel& model, const std::string& to) {
  for (const std::string& token : {"<2" + to + ">", ">>" + to + "<<"}) {
    if (model.has_piece(token)) return token + " ";
  }
  return "";
}

std::string instruction(const std::string& from, const std::string& to) {
  return "Translate the following text from " + language_name(from) + " to " + language_name(to) +
         ". Write the translation only, without remarks. Keep numbers, URLs and `code` as they "
         "are.";
}

}  // namespace

std::string language_code(const std::string& language) {
  const std::string lower = lowercase(language);
  for (const Language& known : kLanguages) {
    if (lower == known.code || lower == lowercase(known.name)) return known.code;
  }
  return lower;
}

std::string language_name(const std::string& language) {
  for (const Language& known : kLanguages) {
    if (language == known.code) return known.name;
  }
  return language;
}

std::string detect_language(std::string_view text) {
  int64_t hangul = 0;
  int64_t latin = 0;
  std::array<int64_t, kScripts.size()> counts = {};
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    i += c.length;
    if (is_hangul(c.code)) {
      ++hangul;
    } else if (c.code < 0x250 && is_word_character(c.code) && !is_number(c.code)) {
      ++latin;
    }
    for (size_t s = 0; s < kScripts.size(); ++s) {
      if (c.code >= kScripts[s].first && c.code <= kScripts[s].last) ++counts[s];
    }
  }
  // A syllable says as much as some three Latin letters; names in Latin letters are common.
  const auto most = std::max_element(counts.begin(), counts.end());
  if (hangul * 3 >= latin && hangul > 0 && hangul >= *most) return "ko";
  if (counts[0] > 0 && counts[0] * 3 >= latin) return "ja";  // kana among ideographs
  if (*most > 0 && *most * 3 >= latin)
    return kScripts[static_cast<size_t>(most - counts.begin())].language;
  return latin > 0 ? "en" : "";
}

Translation translate_text(TaskModel& model, std::string_view text, const TranslateOptions& options,
                           FunctionRef<void(size_t done, size_t parts)> progress,
                           const std::stop_token& stop) {
  require_text(text, "translate");
  Translation result;
  result.from = language_code(options.from.empty() ? detect_language(text) : options.from);
  result.to = language_code(options.to.empty() ? (result.from == "ko" ? "en" : "ko") : options.to);
  if (result.from == result.to) {
    throw Error(ErrorCode::kInvalidArgument, "translate",
                "the text is " + language_name(result.from) + " already, as --to asks",
                "name the languages with --from and --to");
  }
  TaskPrompt prompt;
  prompt.instruction = instruction(result.from, result.to);
  prompt.prefix = options.prefix.empty() ? language_token(model, result.to) : options.prefix;
  // A translation may take twice the tokens of its text, and some.
  const int64_t room = model.room(prompt);
  const int64_t most =
      std::max<int64_t>(options.max_tokens > 0 ? std::min(room - options.max_tokens, room / 2)
                                               : (room - kSpareTokens) / 3,
                        1);
  const std::vector<TextSpan> parts =
      cut_into_parts(text, [&](std::string_view part) { return model.count_tokens(part) <= most; });
  std::vector<std::string> written;
  for (const TextSpan& part : parts) {
    prompt.text = part.in(text);
    prompt.max_tokens = options.max_tokens > 0 ? options.max_tokens
                                               : 2 * model.count_tokens(prompt.text) + kSpareTokens;
    WrittenText translated = model.write(prompt, stop);
    result.unfinished += translated.finished ? 0 : 1;
    // A part stands within a line.
    std::replace(translated.text.begin(), translated.text.end(), '\n', ' ');
    for (FixedPart& lost : find_lost_parts(prompt.text, translated.text))
      result.lost.push_back({std::move(lost), written.size()});
    written.push_back(std::move(translated.text));
    progress(written.size(), parts.size());
  }
  result.parts = parts.size();
  result.text = replace_parts(text, parts, written);
  return result;
}

}  // namespace onmal
