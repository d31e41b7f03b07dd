#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "text/hangul.h"
#include "text/utf8.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/bpe_trainer.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer_json.h"

namespace onmal {
namespace {

std::string sample_text() {
  return read_file(ONMAL_SOURCE_DIR "/samples/ko.txt") +
         read_file(ONMAL_SOURCE_DIR "/samples/en.txt");
}

BpeDefinition train_on(const std::string& text, int64_t vocab_size, int threads = 2,
                       double share = 0.0) {
  BpeTrainOptions options;
  options.vocab_size = vocab_size;
  options.hangul_share = share;
  ThreadPool pool(threads);
  BpeTrainer trainer(options);
  trainer.feed(pool, text, "sample");
  return trainer.train();
}

// The definition read straight from the words: merge the lowest-ranked adjacent pair, leftmost
// first, until none.
std::vector<int32_t> merged_by_brute_force(
    const std::map<std::pair<int32_t, int32_t>, std::pair<int32_t, int32_t>>& merges,
    std::vector<int32_t> symbols) {
  for (;;) {
    int32_t best = -1;
    size_t place = 0;
    int32_t id = -1;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = merges.find({symbols[i], symbols[i + 1]});
      if (found != merges.end() && (best < 0 || found->second.first < best)) {
        best = found->second.first;
        place = i;
        id = found->second.second;
      }
    }
    if (best < 0) return symbols;
    symbols[place] = id;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(MergeTest, ShortAndLongListsAgreeWithBruteForce) {
  Rng rng(9);
  for (int round = 0; round < 300; ++round) {
    MergeTable table(64);
    std::map<std::pair<int32_t, int32_t>, std::pair<int32_t, int32_t>> plain;
    for (int32_t rank = 0; rank < 40; ++rank) {
      const auto left = static_cast<int32_t>(rng.below(static_cast<uint64_t>(4 + rank)));
      const auto right = static_cast<int32_t>(rng.below(static_cast<uint64_t>(4 + rank)));
      table.insert(left, right, {rank, 4 + rank});
      plain.emplace(std::pair(left, right), std::pair(rank, 4 + rank));
    }
    for (const uint64_t length : {1U, 2U, 7U, 48U, 49U, 200U}) {
      std::vector<int32_t> symbols(length);
      for (int32_t& symbol : symbols) symbol = static_cast<int32_t>(rng.below(4));
      const std::vector<int32_t> expected = merged_by_brute_force(plain, symbols);
      apply_merges(table, symbols);
      ASSERT_EQ(symbols, expected);
    }
  }
}

// Two stages, words and what crosses them, against merging the whole text by the definition: with
// merges in an order a trainer makes, and in any order, where parts may be made late or twice.
TEST(BpeTest, TwoStagesAgreeWithBruteForce) {
  Rng rng(5);
  size_t crossing = 0;
  for (int round = 0; round < 400; ++round) {
    BpeDefinition definition;
    for (int byte = 0; byte < 256; ++byte)
      definition.pieces.emplace_back(1, static_cast<char>(byte));
    definition.pretokenizer = "superbpe";
    std::vector<int32_t> parts = {'a', 'b', ' '};
    // Characters of several bytes, and in every third round parts of them, joined with others.
    if (round % 3 > 0) parts.insert(parts.end(), {0xEA, 0xB0, 0x80, 0xC3, 0xA9});
    std::map<std::string, int32_t> ids;
    for (const int32_t part : parts) ids[definition.pieces[static_cast<size_t>(part)]] = part;
    const auto keeps_characters = [](const std::string& text) {
      return find_invalid_utf8(text) == std::string::npos ||
             std::all_of(text.begin() + 1, text.end(),
                         [](char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; });
    };
    while (definition.merges.size() < 40) {
      const int32_t left = parts[rng.below(parts.size())];
      const int32_t right = parts[rng.below(parts.size())];
      const std::string text = definition.pieces[static_cast<size_t>(left)] +
                               definition.pieces[static_cast<size_t>(right)];
      if (text.size() > 9 || (round % 3 == 1 && !keeps_characters(text))) continue;
      definition.merges.emplace_back(left, right);
      const auto [place, is_new] = ids.emplace(text, definition.pieces.size());
      if (!is_new) continue;
      definition.pieces.push_back(text);
      parts.push_back(place->second);
      crossing += text.find(' ', 1) != std::string::npos ? 1 : 0;
    }
    if (round % 2 == 1) {
      for (size_t i = definition.merges.size(); i > 1; --i)
        std::swap(definition.merges[i - 1], definition.merges[rng.below(i)]);
    }
    std::map<std::pair<int32_t, int32_t>, std::pair<int32_t, int32_t>> plain;
    for (size_t rank = 0; rank < definition.merges.size(); ++rank) {
      const auto [left, right] = definition.merges[rank];
      const std::string text = definition.pieces[static_cast<size_t>(left)] +
                               definition.pieces[static_cast<size_t>(right)];
      plain.emplace(std::pair(left, right), std::pair(static_cast<int32_t>(rank), ids.at(text)));
    }
    const BpeTokenizer tokenizer(definition);
    BpeEncoder encoder(tokenizer, 20);
    for (int i = 0; i < 20; ++i) {
      std::string text(rng.below(70), ' ');
      for (char& c : text) c = "ab c\x80\xC3"[rng.below(rng.below(9) == 0 ? 6 : 3)];
      for (const std::string_view character : {"\xEA\xB0\x80", "\xC3\xA9"}) {
        for (int j = 0; j < 5; ++j) text.insert(rng.below(text.size() + 1), character);
      }
      std::vector<int32_t> symbols(text.size());
      std::transform(text.begin(), text.end(), symbols.begin(),
                     [](char c) { return static_cast<uint8_t>(c); });
      const std::vector<int32_t> expected = merged_by_brute_force(plain, symbols);
      ASSERT_EQ(tokenizer.encode(text), expected) << text;
      std::vector<int32_t> cached;
      encoder.encode(text, cached);
      ASSERT_EQ(cached, expected) << text;
    }
  }
  EXPECT_GT(crossing, 1000U);
}

TEST(BpeTest, AnyBytesSurvive) {
  const BpeTokenizer tokenizer(train_on(sample_text(), 600));
  BpeEncoder encoder(tokenizer, 50);
  Rng rng(1);
  for (int round = 0; round < 3000; ++round) {
    std::string text(rng.below(60), '\0');
    for (char& c : text) c = static_cast<char>(rng.below(round % 2 == 0 ? 256 : 128));
    const std::vector<int32_t> ids = tokenizer.encode(text);
    ASSERT_EQ(tokenizer.decode(ids), text);
    std::vector<int32_t> cached;
    encoder.encode(text, cached);
    ASSERT_EQ(cached, ids);
  }
}

TEST(BpeTest, NoPieceJoinsACharacterAndAPartOfAnother) {
  const BpeDefinition definition = train_on(sample_text(), 900);
  size_t longer = 0;
  for (size_t id = 256; id < definition.pieces.size(); ++id) {
    const std::string& piece = definition.pieces[id];
    const bool whole = find_invalid_utf8(piece) == std::string::npos;
    const bool part_of_one = piece.size() < 4 && incomplete_tail(piece) == piece.size();
    EXPECT_TRUE(whole || part_of_one) << "piece " << id;
    longer += whole && count_characters(piece) > 1 ? 1 : 0;
  }
  EXPECT_GT(longer, 100U);
}

TEST(BpeTest, TrainingIsTheSameForAnyNumberOfThreads) {
  const BpeDefinition one = train_on(sample_text(), 700, 1, 0.5);
  const BpeDefinition three = train_on(sample_text(), 700, 3, 0.5);
  EXPECT_EQ(one.pieces, three.pieces);
  EXPECT_EQ(one.merges, three.merges);
}

// A trainer without any index: counts all pairs anew for each merge.
TEST(BpeTest, FirstMergesAreThoseOfACountFromScratch) {
  const std::string text = sample_text().substr(0, 4000);
  const std::string whole = text.substr(0, text.size() - incomplete_tail(text));
  const BpeDefinition definition = train_on(whole, 256 + 4 + 60);
  std::vector<std::vector<int32_t>> words;
  Pretokenizer("llama-bpe").split(whole, [&](size_t begin, size_t end) {
    words.emplace_back();
    for (size_t i = begin; i < end; ++i) words.back().push_back(static_cast<uint8_t>(whole[i]));
  });
  std::vector<std::string> pieces(definition.pieces.begin(), definition.pieces.begin() + 256);
  for (size_t merge = 0; merge < definition.merges.size(); ++merge) {
    std::map<std::pair<int32_t, int32_t>, int64_t> counts;
    for (const auto& word : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) {
        const std::string joined =
            pieces[static_cast<size_t>(word[i])] + pieces[static_cast<size_t>(word[i + 1])];
        const bool allowed = find_invalid_utf8(joined) == std::string::npos ||
                             incomplete_tail(joined) == joined.size();
        if (allowed) ++counts[{word[i], word[i + 1]}];
      }
    }
    int64_t most = 0;
    for (const auto& [pair, count] : counts) most = std::max(most, count);
    const auto chosen = definition.merges[merge];
    // Runs such as "aaa" count twice here and once there: allow for overlaps of a pair with itself.
    EXPECT_GE(counts[chosen] + 2, most) << "merge " << merge;
    const auto id = static_cast<int32_t>(pieces.size());
    pieces.push_back(pieces[static_cast<size_t>(chosen.first)] +
                     pieces[static_cast<size_t>(chosen.second)]);
    EXPECT_EQ(pieces.back(), definition.pieces[static_cast<size_t>(id)]);
    for (auto& word : words) {
      std::vector<int32_t> next;
      for (size_t i = 0; i < word.size(); ++i) {
        const bool here =
            i + 1 < word.size() && word[i] == chosen.first && word[i + 1] == chosen.second;
        next.push_back(here ? id : word[i]);
        i += here ? 1 : 0;
      }
      word = next;
    }
  }
}

TEST(BpeTest, BalanceGivesTheRarerLanguageItsShare) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += read_file(ONMAL_SOURCE_DIR "/samples/en.txt");
  text += read_file(ONMAL_SOURCE_DIR "/samples/ko.txt");
  const auto hangul_pieces = [](const BpeDefinition& definition) {
    return std::count_if(
        definition.pieces.begin(), definition.pieces.end(),
        [](const std::string& piece) { return count_hangul_syllables(piece) > 0; });
  };
  EXPECT_GT(hangul_pieces(train_on(text, 1000, 2, 0.5)),
            2 * hangul_pieces(train_on(text, 1000, 2, 0.0)));
}

TEST(BpeTest, BadCorporaAreNamed) {
  ThreadPool pool(1);
  BpeTrainer trainer(BpeTrainOptions{});
  EXPECT_THROW(trainer.train(), Error);
  try {
    trainer.feed(pool, "good\nbad \xFF here", "file.txt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("file.txt: not UTF-8 at byte 9 (line 2)"),
              std::string::npos)
        << error.what();
  }
  EXPECT_THROW(trainer.feed(pool, std::string("a\0b", 3), "file.txt"), Error);
  BpeTrainOptions small;
  small.vocab_size = 200;
  EXPECT_THROW(BpeTrainer{small}, Error);
}

TEST(BpeTest, SpecialTokensAreTextUnlessAskedFor) {
  const BpeTokenizer tokenizer(train_on(sample_text(), 500));
  const std::string text = "안녕<|im_end|>끝<|im_start|>";
  EncodeOptions options;
  options.parse_special = true;
  const std::vector<int32_t> special = tokenizer.encode(text, options);
  const std::vector<int32_t> plain = tokenizer.encode(text);
  EXPECT_EQ(std::count_if(special.begin(), special.end(),
                          [&](int32_t id) { return tokenizer.is_special(id); }),
            2);
  EXPECT_EQ(std::count_if(plain.begin(), plain.end(),
                          [&](int32_t id) { return tokenizer.is_special(id); }),
            0);
  EXPECT_EQ(tokenizer.decode(special), text);
  EXPECT_EQ(tokenizer.decode(plain), text);
}

TEST(BpeTest, AStreamNeverEndsInsideACharacter) {
  const BpeTokenizer tokenizer(train_on("aaa bbb ", 262));  // every syllable takes three tokens
  const std::string text = "한글 👍 and é";
  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const int32_t id : tokenizer.encode(text)) {
    const std::string part = decoder.push(id);
    EXPECT_EQ(find_invalid_utf8(part), std::string::npos);
    streamed += part;
  }
  EXPECT_EQ(streamed + decoder.flush(), text);
}

TEST(BpeTest, ALongLineWithoutSpacesTakesLinearTime) {
  const BpeTokenizer tokenizer(train_on(sample_text(), 900));
  std::string text;
  while (text.size() < (size_t{1} << 20)) text += "가나다라마바사아자차카타파하";
  const std::vector<int32_t> ids = tokenizer.encode(text);  // quadratic time would take minutes
  EXPECT_EQ(tokenizer.decode(ids), text);
}

TEST(TokenizerJsonTest, SurvivesTheRoundTrip) {
  const BpeDefinition definition = train_on(sample_text(), 800);
  const std::string json = write_tokenizer_json(definition);
  const auto loaded = parse_tokenizer_json(json, "test");
  EXPECT_EQ(loaded->definition().pieces, definition.pieces);
  EXPECT_EQ(loaded->definition().merges, definition.merges);
  EXPECT_EQ(loaded->definition().end_id, definition.end_id);
  EXPECT_EQ(loaded->encode(sample_text()), BpeTokenizer(definition).encode(sample_text()));
  EXPECT_EQ(write_tokenizer_json(loaded->definition()), json);
}

TEST(TokenizerJsonTest, MalformedFilesAreErrors) {
  const std::string json = write_tokenizer_json(train_on("hello hello ", 262));
  for (size_t cut = 0; cut < json.size(); cut += 97) {
    EXPECT_THROW(parse_tokenizer_json(json.substr(0, cut), "test"), Error);
  }
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = json;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  EXPECT_THROW(parse_tokenizer_json(with("\"BPE\"", "\"Unigram\""), "test"), Error);
  EXPECT_THROW(parse_tokenizer_json(with("\"normalizer\": null", "\"normalizer\": {}"), "test"),
               Error);
  EXPECT_THROW(parse_tokenizer_json(with("\"id\": 2", "\"id\": 99999999999"), "test"), Error);
  EXPECT_THROW(parse_tokenizer_json(with("\"e l\"", "\"e zz\""), "test"), Error);
  EXPECT_THROW(parse_tokenizer_json(std::string(1000, '['), "test"), Error);
}

}  // namespace
}  // namespace onmal
