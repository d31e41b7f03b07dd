#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>

#include <array>

#include "base/error.h"

namespace onmal {
namespace {

// Backtracking memory grows up to this: enough for patterns that repeat a group over megabytes.
constexpr size_t kFirstStack = size_t{64} << 10;
constexpr size_t kMostStack = size_t{512} << 20;
constexpr uint32_t kMostMatchSteps = 200'000'000;
constexpr size_t kLongestSource = size_t{64} << 10;

template <auto Release>
struct Releaser {
  template <typename T>
  void operator()(T* object) const {
    Release(object);
  }
};

}  // namespace

struct Pattern::Code {
  std::unique_ptr<pcre2_code, Releaser<pcre2_code_free>> compiled;
  std::string where;
};

struct Pattern::Search::State {
  const Code* code;
  std::string_view text;
  std::unique_ptr<pcre2_match_data, Releaser<pcre2_match_data_free>> match;
  std::unique_ptr<pcre2_match_context, Releaser<pcre2_match_context_free>> context;
  std::unique_ptr<pcre2_jit_stack, Releaser<pcre2_jit_stack_free>> stack;
};

Pattern::Pattern(std::string_view source, const std::string& where)
    : code_(std::make_unique<Code>()) {
  code_->where = where;
  if (source.size() > kLongestSource)
    throw Error(ErrorCode::kUnsupported, where,
                "a pattern is " + std::to_string(source.size()) +
                    " bytes long when its classes are written out, the limit is " +
                    std::to_string(kLongestSource));
  const std::unique_ptr<pcre2_compile_context, Releaser<pcre2_compile_context_free>> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), 100);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_->compiled.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error,
                                      &offset, context.get()));
  if (code_->compiled == nullptr) {
    std::array<char, 200> message{};
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message.data()), message.size());
    throw Error(ErrorCode::kUnsupported, where,
                "the pattern '" + std::string(source.substr(0, 200)) + "' is not understood: " +
                    message.data() + " at byte " + std::to_string(offset));
  }
  // Without machine code PCRE2 interprets: slower, never different.
  pcre2_jit_compile(code_->compiled.get(), PCRE2_JIT_COMPLETE);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Pattern::Search::Search(const Pattern& pattern, std::string_view text)
    : state_(std::make_unique<State>()) {
  state_->code = pattern.code_.get();
  state_->text = text;
  state_->match.reset(pcre2_match_data_create_from_pattern(state_->code->compiled.get(), nullptr));
  state_->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(state_->context.get(), kMostMatchSteps);
  pcre2_set_heap_limit(state_->context.get(), static_cast<uint32_t>(kMostStack >> 10));
}

Pattern::Search::~Search() = default;

std::optional<Pattern::Span> Pattern::Search::next(size_t from) {
  State& state = *state_;
  const auto run = [&] {
    return pcre2_match(state.code->compiled.get(), reinterpret_cast<PCRE2_SPTR>(state.text.data()),
                       state.text.size(), from, PCRE2_NO_UTF_CHECK, state.match.get(),
                       state.context.get());
  };
  int found = run();
  if (found == PCRE2_ERROR_JIT_STACKLIMIT && state.stack == nullptr) {
    state.stack.reset(pcre2_jit_stack_create(kFirstStack, kMostStack, nullptr));
    pcre2_jit_stack_assign(state.context.get(), nullptr, state.stack.get());
    found = run();
  }
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (found < 0) {
    throw Error(ErrorCode::kResource, state.code->where,
                "a pre-tokenizer pattern needs too much memory or time at byte " +
                    std::to_string(from) + " of a text (PCRE2 error " + std::to_string(found) + ")",
                "cut the text into shorter parts");
  }
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state.match.get());
  if (range[0] > range[1]) return Span{range[1], range[1]};  // \K in a lookahead
  return Span{range[0], range[1]};
}

}  // namespace onmal
