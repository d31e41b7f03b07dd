#include "corpus/prepare/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "corpus/prepare/ordered_pipeline.h"
#include "corpus/prepare/part_file.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class PrepareTest : public ::testing::Test {
 protected:
  PrepareTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("onmal_prepare_" + std::to_string(::getpid()) + "_" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~PrepareTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  PrepareOptions options(const std::filesystem::path& source) const {
    PrepareOptions result;
    result.sources = prepare_sources_of({source});
    result.output = folder_ / "out";
    result.heldout_permille = 0;
    return result;
  }

  std::filesystem::path folder_;
};

TEST(OrderedPipelineTest, DeliversInOrderFromAnyNumberOfThreads) {
  for (const size_t threads : {1, 2, 5}) {
    std::vector<int> delivered;
    OrderedPipeline<int> pipeline(
        threads,
        [&](int& item, size_t thread) {
          ASSERT_LT(thread, threads);
          if (item % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
          item *= 2;
        },
        [&](int& item) { delivered.push_back(item); });
    for (int i = 0; i < 500; ++i) pipeline.put(std::make_unique<int>(i));
    pipeline.finish();
    ASSERT_EQ(delivered.size(), 500U);
    for (int i = 0; i < 500; ++i) EXPECT_EQ(delivered[static_cast<size_t>(i)], 2 * i);
  }
}

TEST(OrderedPipelineTest, WhatIsThrownComesOut) {
  for (const size_t threads : {1, 3}) {
    for (const bool in_work : {true, false}) {
      std::atomic<int> delivered = 0;
      const auto fail = [](int item) {
        if (item == 40) throw Error(ErrorCode::kIo, "test", "fails");
      };
      OrderedPipeline<int> pipeline(
          threads,
          [&](int& item, size_t) {
            if (in_work) fail(item);
          },
          [&](int& item) {
            if (!in_work) fail(item);
            ++delivered;
          });
      EXPECT_THROW(
          {
            for (int i = 0; i < 100; ++i) pipeline.put(std::make_unique<int>(i));
            pipeline.finish();
          },
          Error);
      EXPECT_LE(delivered, 40);
    }
  }
}

TEST_F(PrepareTest, PartsAreAsTheyWereWritten) {
  const std::filesystem::path path = folder_ / "part";
  std::string block;
  append_document({"글", "url", 3, 4, 5, 6, Language::kKorean, {7, 8}}, block);
  append_document({"", "", 0, 0, 1, 0, Language::kNone, {}}, block);
  PartWriter writer(path);
  writer.add(block, 2);
  writer.add(block, 2);
  writer.commit();
  PartReader reader(path);
  PartBlock read;
  ASSERT_TRUE(reader.next(read) && reader.next(read));
  EXPECT_EQ(read.first, 2U);
  std::vector<std::string> texts;
  for_each_document(read.bytes, "test", [&](const PartDocument& document) {
    texts.emplace_back(document.text);
    if (!document.text.empty()) {
      EXPECT_EQ(document.record, 5U);
      EXPECT_EQ(document.url, "url");
      EXPECT_EQ(document.fingerprint, (Fingerprint{7, 8}));
    }
  });
  EXPECT_THAT(texts, ElementsAre("글", ""));
  EXPECT_FALSE(reader.next(read));
  // Cut anywhere or changed anywhere, it is an error.
  const std::string whole = read_file(path);
  const auto read_all = [&](const std::string& bytes) {
    write("part", bytes);
    PartReader damaged(path);
    while (damaged.next(read)) for_each_document(read.bytes, "test", [](const PartDocument&) {});
  };
  for (size_t size = 1; size < whole.size(); ++size) {
    if (size == whole.size() / 2) continue;  // the first block alone
    EXPECT_THROW(read_all(whole.substr(0, size)), Error) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    if (at % (whole.size() / 2) >= 4 && at % (whole.size() / 2) < 8) continue;  // counts
    std::string changed = whole;
    changed[at] ^= '\x10';
    EXPECT_THROW(read_all(changed), Error) << at;
  }
}

TEST_F(PrepareTest, TheContentCheckTagsAndRefuses) {
  const std::string prose = "오늘 아침에는 비가 내렸고 거리에는 사람이 드물었다. ";
  std::string text;
  for (const char* mark :
       {"사과가 나무에서 떨어졌다.", "배가 강을 따라 내려갔다.", "감이 붉게 익어 갔다."})
    text += prose + mark + "\n\n";
  PrepareOptions how = options(write("a.txt", text));
  how.near_threshold = 1.0;
  how.content_check = [](std::string_view document) {
    ContentVerdict verdict;
    verdict.refused = document.find("사과") != std::string_view::npos;
    if (document.find("강을") != std::string_view::npos) verdict.tags = {"물", "배"};
    return verdict;
  };
  const PrepareReport report = prepare_corpus(how, {});
  EXPECT_EQ(report.totals.refused.items, 1U);
  EXPECT_EQ(report.totals.tagged.items, 1U);
  EXPECT_EQ(report.totals.train.items, 2U);
  const std::string lines = read_file(folder_ / "out/text/00000.jsonl");
  EXPECT_THAT(lines, HasSubstr("\"tags\": [\"물\", \"배\"]"));
  EXPECT_THAT(lines, Not(HasSubstr("사과")));
  // A folder in use is nobody else's.
  how.near_threshold = 0.9;
  EXPECT_THROW(prepare_corpus(how, {}), Error);
  how.fresh = true;
  EXPECT_EQ(prepare_corpus(how, {}).totals.train.items, 2U);
}

// Stopped when comparing begins or ends, a run leaves no decisions; begun again it ends as ever.
TEST_F(PrepareTest, GoesOnAfterAStopBetweenReadingAndWriting) {
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += "이 글은 " + std::to_string(i / 4) + "번째 이야기이고 서로 꽤 닮은 데가 있다.\n\n";
  PrepareOptions how = options(write("a.txt", text));
  prepare_corpus(how, {});
  const std::string expected = read_file(folder_ / "out/text/00000.jsonl");
  how.fresh = true;
  std::stop_source stop;
  PrepareCallbacks callbacks;
  callbacks.on_progress = [&](const PrepareProgress& progress) {
    if (progress.stage == "compare") stop.request_stop();
  };
  try {
    prepare_corpus(how, callbacks, stop.get_token());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/report.json"));
  how.fresh = false;
  prepare_corpus(how, {});
  EXPECT_EQ(read_file(folder_ / "out/text/00000.jsonl"), expected);
}

TEST_F(PrepareTest, NothingToReadIsNoError) {
  const PrepareReport report = prepare_corpus(options(write("a.txt", "")), {});
  EXPECT_EQ(report.totals.read.items, 0U);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/report.html"));
}

TEST_F(PrepareTest, ThePageEscapesWhatDocumentsSay) {
  std::string text = "<script>alert(1)</script> & \"x\"\n\n";
  PrepareOptions how = options(write("a.txt", text));
  how.languages = {Language::kKorean};
  const PrepareReport report = prepare_corpus(how, {});
  EXPECT_EQ(report.totals.read.items, 1U);
  const std::string page = read_file(folder_ / "out/report.html");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST_F(PrepareTest, DescriptionsAreReadAndMistakesNamed) {
  std::filesystem::create_directories(folder_ / "web/deep");
  write("web/b.html", "");
  write("web/deep/a.warc.gz", "");
  write("web/.hidden.html", "");
  write("web/notes.bin", "");
  const auto load = [&](const std::string& text) {
    return load_prepare_sources(write("corpus.toml", text), folder_);
  };
  const auto sources = load(
      "[[text]]\npath = \"a.tsv\"\nfields = [\"x\", \"y\"]\nweight = 0.5\nlimit_bytes = 10\n"
      "[[text]]\npath = \"web\"\njudge = false\n"
      "[[conversation]]\npath = \"c\"\n");
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].weight, 0.5);
  EXPECT_THAT(sources[0].input.fields, ElementsAre("x", "y"));
  EXPECT_THAT(sources[1].file_names, ElementsAre("web/b.html", "web/deep/a.warc.gz"));
  EXPECT_FALSE(sources[1].judge);
  for (const char* wrong :
       {"[[text]]\nformat = \"lines\"\n", "[[text]]\npath = \"a\"\n", "[[txt]]\npath = \"a\"\n",
        "[[text]]\npath = \"a.txt\"\nformat = \"doc\"\n",
        "[[text]]\npath = \"a.txt\"\nweight = 0\n", "[[text]]\npath = \"a.txt\"\nevery = 0\n",
        "[[text]]\npath = \"a.txt\"\nodd = 1\n", "x ="}) {
    EXPECT_THROW(load(wrong), Error) << wrong;
  }
}

}  // namespace
}  // namespace onmal
