#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "corpus/decompress.h"
#include "corpus/pack.h"
#include "corpus/packed_dataset.h"
#include "corpus/shard.h"
#include "corpus/source.h"
#include "tokenizer/bpe_trainer.h"

namespace onmal {
namespace {

class CorpusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("onmal_corpus_" + std::to_string(::getpid()) +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static BpeTokenizer byte_tokenizer() {
    BpeTrainOptions options;
    options.vocab_size = 270;
    ThreadPool pool(1);
    BpeTrainer trainer(options);
    trainer.feed(pool, "온말 온말 and some words, some words", "test");
    return BpeTokenizer(trainer.train());
  }

  Source source(const std::string& name, const std::string& content, SourceFormat format) {
    write_file(folder_ / name, content);
    Source result;
    result.path = folder_ / name;
    result.format = format;
    return result;
  }
  static std::vector<std::string> documents(const Source& source) {
    std::vector<std::string> found;
    read_documents(source, [&](std::string_view document) { found.emplace_back(document); });
    return found;
  }

  std::filesystem::path folder_;
};

using Texts = std::vector<std::string>;

TEST_F(CorpusTest, ReadsEveryFormat) {
  EXPECT_EQ(documents(source("a", "one\ntwo\n\nthree\n\n\n", SourceFormat::kParagraphs)),
            (Texts{"one\ntwo", "three"}));
  EXPECT_EQ(documents(source("b", "one\r\n\ntwo", SourceFormat::kLines)), (Texts{"one", "two"}));
  Source table = source("c", "id\ttext\n1\t가\n2\n3\t나\n", SourceFormat::kTsv);
  table.fields = {"text"};
  EXPECT_EQ(documents(table), (Texts{"가", "나"}));
  Source csv = source("d", "Q,A\n\"say \"\"hi\"\", now\",\"two\nlines\"\n", SourceFormat::kCsv);
  csv.fields = {"Q", "A"};
  EXPECT_EQ(documents(csv), (Texts{"say \"hi\", now\ntwo\nlines"}));
  Source lines =
      source("e", "{\"t\": \"x\", \"d\": \"2019-01\"}\n\n{\"t\": \"y\", \"d\": \"2019-07\"}\n",
             SourceFormat::kJsonLines);
  lines.fields = {"t"};
  EXPECT_EQ(documents(lines), (Texts{"x", "y"}));
  lines.date_field = "d";
  lines.begins_before = "2019-07";
  EXPECT_EQ(documents(lines), (Texts{"x"}));
  Source list = source("f", "[{\"t\": \"x\"}, {\"t\": \"\"}, {\"u\": 1}]", SourceFormat::kJson);
  list.fields = {"t"};
  EXPECT_EQ(documents(list), (Texts{"x"}));
}

TEST_F(CorpusTest, LimitsAndThinning) {
  Source lines = source("a", "aa\nbb\ncc\ndd\n", SourceFormat::kLines);
  lines.every = 2;
  EXPECT_EQ(documents(lines), (Texts{"aa", "cc"}));
  lines.every = 1;
  lines.limit_bytes = 3;
  EXPECT_EQ(documents(lines), (Texts{"aa", "bb"}));
}

TEST_F(CorpusTest, BadInputIsAnErrorThatNamesTheFile) {
  for (const auto& [content, format] : {std::pair("good\xFF", SourceFormat::kLines),
                                        std::pair("{bad json", SourceFormat::kJsonLines),
                                        std::pair("a,b\n\"never closed", SourceFormat::kCsv)}) {
    Source bad = source("bad", content, format);
    bad.fields = {"a"};
    try {
      documents(bad);
      FAIL() << content;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("bad"), std::string::npos);
    }
  }
  Source table = source("t", "a\tb\n1\t2\n", SourceFormat::kTsv);
  table.fields = {"missing"};
  EXPECT_THROW(documents(table), Error);
  EXPECT_THROW(documents(source("nul", std::string("a\0b", 3), SourceFormat::kLines)), Error);
}

TEST_F(CorpusTest, UnpacksGzipAndRefusesDamage) {
  const std::filesystem::path path = folder_ / "x.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  const std::string text(100000, 'a');
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(read_unpacked(path), text);
  EXPECT_THROW(read_unpacked(path, 1000), Error);
  const std::string packed = read_file(path);
  write_file(folder_ / "cut.gz", packed.substr(0, packed.size() / 2));
  EXPECT_THROW(read_unpacked(folder_ / "cut.gz"), Error);
  write_file(folder_ / "cut.xz",
             "\xFD"
             "7zXZ garbage");
  EXPECT_THROW(read_unpacked(folder_ / "cut.xz"), Error);
}

TEST_F(CorpusTest, DescriptionsNameUnknownKeys) {
  write_file(folder_ / "c.toml", "[[text]]\npath = \"a\"\nformat = \"lines\"\nlimit_byte = 3\n");
  try {
    load_corpus(folder_ / "c.toml", folder_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("c.toml:4"), std::string::npos) << error.what();
  }
  write_file(folder_ / "c.toml",
             "[[text]]\npath = \"a\"\nformat = \"tsv\"\nfields = [\"x\"]\nrepeat = 2\n");
  const Corpus corpus = load_corpus(folder_ / "c.toml", folder_);
  ASSERT_EQ(corpus.texts.size(), 1U);
  EXPECT_EQ(corpus.texts[0].repeat, 2);
}

TEST_F(CorpusTest, DescriptionsRefuseKeysThatMeanNothingThere) {
  for (const char* const entry : {"[[text]]\npath = \"a\"\nquestion = \"q\"\n",
                                  "[[conversation]]\npath = \"a\"\nfields = [\"q\"]\n",
                                  "[[conversation]]\npath = \"a\"\nbegins_before = \"2019\"\n"}) {
    write_file(folder_ / "c.toml", entry);
    EXPECT_THROW(load_corpus(folder_ / "c.toml", folder_), Error) << entry;
  }
  write_file(folder_ / "c.toml",
             "[[conversation]]\npath = \"a\"\nquestion = \"q\"\nanswer = \"a\"\nrepeat = 3\n");
  EXPECT_EQ(load_corpus(folder_ / "c.toml", folder_).conversations.at(0).repeat, 3);
}

TEST_F(CorpusTest, ShardsKeepTokensAndDocuments) {
  const BpeTokenizer tokenizer = byte_tokenizer();
  ShardWriter writer(folder_ / "s.tok", tokenizer);
  const std::vector<std::vector<int32_t>> texts = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9}};
  std::vector<int32_t> expected;
  for (const auto& ids : texts) {
    writer.add(ids, 10);
    expected.insert(expected.end(), ids.begin(), ids.end());
    expected.push_back(tokenizer.end_id());
  }
  writer.commit();
  const ShardReader reader(folder_ / "s.tok");
  EXPECT_EQ(reader.info().tokens, 12);
  EXPECT_EQ(reader.info().text_bytes, 30);
  EXPECT_EQ(reader.info().fingerprint, tokenizer_fingerprint(tokenizer));
  std::vector<int32_t> tokens(12);
  reader.read(0, tokens);
  EXPECT_EQ(tokens, expected);
  EXPECT_EQ(reader.document_start(3), 0);
  EXPECT_EQ(reader.document_start(4), 4);
  EXPECT_EQ(reader.document_start(11), 6);
  EXPECT_EQ(reader.next_document_start(5), 6);
  EXPECT_EQ(reader.next_document_start(6), 12);
}

TEST_F(CorpusTest, HostileShardsAreErrors) {
  const BpeTokenizer tokenizer = byte_tokenizer();
  ShardWriter writer(folder_ / "s.tok", tokenizer);
  writer.add(std::vector<int32_t>{1, 2, 3}, 3);
  writer.commit();
  const std::string good = read_file(folder_ / "s.tok");
  for (size_t cut = 0; cut < good.size(); ++cut) {
    write_file(folder_ / "bad.tok", good.substr(0, cut));
    EXPECT_THROW(ShardReader(folder_ / "bad.tok"), Error) << cut;
  }
  for (size_t at = 8; at < 32; ++at) {  // version, token size, counts
    std::string bad = good;
    bad[at] = static_cast<char>(0xFF);
    write_file(folder_ / "bad.tok", bad);
    EXPECT_THROW(ShardReader(folder_ / "bad.tok"), Error) << at;
  }
}

TEST_F(CorpusTest, EachEpochIsAPermutation) {
  for (const uint64_t count : {1U, 2U, 3U, 17U, 1000U}) {
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t value = permuted(i, count, 99);
      ASSERT_LT(value, count);
      seen.insert(value);
    }
    EXPECT_EQ(seen.size(), count);
  }
  std::vector<uint64_t> one(100), two(100);
  for (uint64_t i = 0; i < 100; ++i) {
    one[i] = permuted(i, 100, 1);
    two[i] = permuted(i, 100, 2);
  }
  EXPECT_NE(one, two);
  EXPECT_FALSE(std::is_sorted(one.begin(), one.end()));
}

TEST_F(CorpusTest, SequencesKnowWhereTheirDocumentsBegin) {
  const BpeTokenizer tokenizer = byte_tokenizer();
  ShardWriter writer(folder_ / "s.tok", tokenizer);
  for (int32_t d = 0; d < 6; ++d) writer.add(std::vector<int32_t>(static_cast<size_t>(d), d), 1);
  writer.commit();
  const ShardReader reader(folder_ / "s.tok");
  const PackedDataset dataset(reader, 5, 1);
  EXPECT_EQ(dataset.sequences(), (21 - 1) / 5);
  std::vector<int32_t> tokens(5), targets(5), first(5);
  for (int64_t s = 0; s < dataset.sequences(); ++s) {
    dataset.read_in_order(s, tokens, targets, first);
    for (int64_t t = 0; t < 5; ++t) {
      std::vector<int32_t> next(1);
      reader.read(5 * s + t + 1, next);
      EXPECT_EQ(targets[static_cast<size_t>(t)], next[0]);
      EXPECT_EQ(first[static_cast<size_t>(t)],
                std::max<int64_t>(0, reader.document_start(5 * s + t) - 5 * s));
    }
  }
  EXPECT_THROW(PackedDataset(reader, 100, 1), Error);
}

TEST_F(CorpusTest, EqualDocumentsStandOnOneSideOnly) {
  std::string lines;
  for (int i = 0; i < 400; ++i) lines += "line " + std::to_string(i % 100) + "\n";
  Corpus corpus;
  corpus.texts.push_back(source("a", lines, SourceFormat::kLines));
  const PackReport report = pack_corpus(corpus, byte_tokenizer(), 300, folder_ / "out");
  EXPECT_EQ(report.train.documents + report.heldout.documents, 400);
  EXPECT_EQ(report.heldout.documents % 4, 0);
  EXPECT_GT(report.heldout.documents, 40);
  EXPECT_LT(report.heldout.documents, 240);
}

}  // namespace
}  // namespace onmal
