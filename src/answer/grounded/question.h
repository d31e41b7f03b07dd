#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onmal {

// What kind of thing a question asks for, by its question words (누구, 언제, 몇, 어디; who, when,
// how many, where).
enum class QuestionKind : uint8_t { kOther, kNumber, kDate, kPerson, kPlace };
QuestionKind question_kind(std::string_view question);

// Whether a sentence holds something of that kind that the question itself does not: a number, a
// year or a month, a name, a place. Cues, no dictionary. Always for kOther.
bool holds_kind(std::string_view sentence, QuestionKind kind, std::string_view question);

// False where documents are of no use: greetings and thanks, sums of numbers that are given, talk
// about the assistant, and rewriting (translation, correction, a summary) of a text that is given
// too. True when in doubt.
bool needs_lookup(std::string_view question);

// The language to answer in: "ko" or "en".
std::string answer_language(std::string_view question);

// The question in NFC without the endings that make its last words a question (…인가요, …했나요,
// …습니까): as search terms they would be words that no document has.
std::string question_topic(std::string_view question);

// Words that say nothing about what a text is about: question words, auxiliaries, articles.
std::string_view plain_words();

}  // namespace onmal
