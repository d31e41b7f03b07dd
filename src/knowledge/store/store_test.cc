#include "knowledge/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/rng.h"
#include "knowledge/dense/quantized_vector.h"
#include "knowledge/store/store_testing.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : folder_(std::filesystem::temp_directory_path() /
                ("onmal_store_" + std::to_string(::getpid()) + name)) {
    std::filesystem::create_directories(folder_);
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "store.db").string(); }

 private:
  std::filesystem::path folder_;
};

// The same tests for both databases. PostgreSQL's run where ONMAL_TEST_POSTGRES holds a connection
// string (tests/knowledge_postgres.py gives one).
class StoreTest : public ::testing::TestWithParam<SqlDialect> {
 protected:
  void SetUp() override {
    if (GetParam() == SqlDialect::kSqlite) return;
    const char* connection = std::getenv("ONMAL_TEST_POSTGRES");
    if (connection == nullptr)
      GTEST_SKIP() << "no PostgreSQL: set ONMAL_TEST_POSTGRES to a connection string";
    connection_ = connection;
    const std::unique_ptr<SqlDatabase> database = open_postgres(connection_, schema());
    // So that a run which is to test pgvector cannot do without it.
    if (std::getenv("ONMAL_TEST_NEEDS_PGVECTOR") != nullptr) {
      ASSERT_TRUE(database->has_vectors());
    }
    database->run(std::string("DROP SCHEMA ").append(schema()).append(" CASCADE"));
  }

  static std::string schema() {
    return "onmal_test_" +
           std::to_string(::testing::UnitTest::GetInstance()->current_test_info()->line());
  }

  std::unique_ptr<SqlDatabase> database() const {
    return GetParam() == SqlDialect::kSqlite ? open_sqlite(file_.path(), false)
                                             : open_postgres(connection_, schema());
  }
  std::unique_ptr<KnowledgeStore> open() const {
    return std::make_unique<KnowledgeStore>(database());
  }

  TemporaryFile file_{
      std::to_string(::testing::UnitTest::GetInstance()->current_test_info()->line())};
  std::string connection_;
};

INSTANTIATE_TEST_SUITE_P(Databases, StoreTest,
                         ::testing::Values(SqlDialect::kSqlite, SqlDialect::kPostgres),
                         [](const auto& one) {
                           return one.param == SqlDialect::kSqlite ? "sqlite" : "postgres";
                         });

TEST_P(StoreTest, KeepsWhatItIsGiven) {
  NewDocument document = make_document("/a.txt", {"세종은 한글을 만들었다.", "The second passage"});
  document.chunks[1].page = 7;
  document.chunks[1].begin_character = 14;
  open()->apply({{document}, {}, {}});

  const std::unique_ptr<KnowledgeStore> store = open();
  const std::vector<StoredDocument> documents = store->documents({});
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(documents[0].source, "/a.txt");
  EXPECT_EQ(documents[0].chunks, 2);
  const std::vector<Passage> passages = store->document_passages(documents[0].id);
  ASSERT_EQ(passages.size(), 2U);
  EXPECT_EQ(passages[1].text, "The second passage");
  EXPECT_EQ(passages[1].page, 7);
  EXPECT_EQ(passages[1].begin_character, 14);
  EXPECT_EQ(passages[1].begin, document.chunks[1].begin);
  EXPECT_EQ(passages[1].title, "title of /a.txt");
  EXPECT_THAT(passages[1].headings, ElementsAre("one", "two"));
  EXPECT_FALSE(store->find_document("default", "/b.txt"));
  EXPECT_EQ(store->find_document("default", "/a.txt")->hash, "hash of /a.txt");
}

TEST_P(StoreTest, FindsWordsWhateverParticleTheyBear) {
  const std::unique_ptr<KnowledgeStore> store = open();
  store->apply({{make_document("/1", {"학교", "바다가 넓다", "자동차를 고쳤다"})}, {}, {}});
  for (const char* query : {"학교에서는", "학교를", "학교가", "학교에", "학교까지", "학교로부터",
                            "학교의", "학교와", "학교만", "학교도"})
    EXPECT_THAT(search_texts(*store, query), ElementsAre("학교")) << query;
}

TEST_P(StoreTest, ADocumentTakesThePlaceOfTheOldOne) {
  const std::unique_ptr<KnowledgeStore> store = open();
  store->apply({{make_document("/a", {"apple pie"}), make_document("/b", {"banana"})}, {}, {}});
  store->apply({{make_document("/a", {"cherry tart"})}, {}, {}});
  EXPECT_THAT(search_texts(*store, "apple"), IsEmpty());
  EXPECT_THAT(search_texts(*store, "cherry"), ElementsAre("cherry tart"));
  EXPECT_EQ(store->status().documents, 2);
  EXPECT_EQ(store->status().chunks, 2);

  store->apply({{}, {store->find_document("default", "/b")->id}, {}});
  EXPECT_THAT(search_texts(*store, "banana"), IsEmpty());
  EXPECT_EQ(store->status().chunks, 1);
}

TEST_P(StoreTest, ACallerSeesWhatItMay) {
  const std::unique_ptr<KnowledgeStore> store = open();
  store->apply({{make_document("/open", {"budget for everybody"}),
                 make_document("/board", {"budget budget budget of the board"}, {"board"}),
                 make_document("/staff", {"budget of the staff"}, {"staff", "board"}),
                 make_document("/other", {"budget elsewhere"}, {}, "other")},
                {},
                {}});
  const auto found = [&](const Access& access) {
    return search_texts(*store, "budget", 10, access);
  };
  EXPECT_EQ(found({}).size(), 4U);
  EXPECT_THAT(found({{}, std::vector<std::string>{}}),
              UnorderedElementsAre("budget for everybody", "budget elsewhere"));
  EXPECT_THAT(found({{"default"}, std::vector<std::string>{"staff"}}),
              UnorderedElementsAre("budget for everybody", "budget of the staff"));
  EXPECT_EQ(found({{"default"}, std::vector<std::string>{"board"}}).size(), 3U);
  EXPECT_THAT(found({{"other"}, {}}), ElementsAre("budget elsewhere"));
  EXPECT_THAT(found({{"none"}, {}}), IsEmpty());
  // Filtered before ranking: the best one allowed is found even where only one is asked for.
  EXPECT_EQ(search_texts(*store, "budget", 1, {{}, std::vector<std::string>{}}).size(), 1U);
  EXPECT_EQ(store->documents({{}, std::vector<std::string>{"staff"}}).size(), 3U);
}

std::vector<std::string> random_passages(Rng& rng, int count) {
  constexpr std::array kWords = {"강물", "바다", "하늘", "구름",  "바람",  "돌",    "나무",
                                 "꽃",   "새",   "별",   "river", "stone", "cloud", "tree"};
  std::vector<std::string> passages;
  for (int i = 0; i < count; ++i) {
    std::string passage = "passage" + std::to_string(rng.below(1'000'000));
    const uint64_t words = 1 + rng.below(12);
    for (uint64_t w = 0; w < words; ++w)
      passage.append(" ").append(kWords[rng.below(1 + rng.below(kWords.size()))]);
    passages.push_back(passage);
  }
  return passages;
}

TEST_P(StoreTest, ManySmallCommitsFindWhatOneLargeOneFinds) {
  const std::unique_ptr<KnowledgeStore> store = open();
  Rng rng(3);
  StoreBatch everything;
  constexpr int kCommits = 40;
  for (int i = 0; i < kCommits; ++i) {
    const std::string source = std::to_string(i);
    const std::vector<std::string> passages =
        random_passages(rng, 1 + static_cast<int>(rng.below(9)));
    store->apply({{make_document(source, passages)}, {}, {}});
    everything.add.push_back(make_document(source, passages));
  }
  EXPECT_LT(store->status().segments, 24);
  KnowledgeStore whole(open_sqlite(file_.path() + "2", false));
  whole.apply(everything);
  EXPECT_EQ(whole.status().segments, 1);
  for (const char* query : {"강물", "river stone", "구름 바람 별", "tree 강물 강물"})
    EXPECT_EQ(search_texts(*store, query, 20), search_texts(whole, query, 20)) << query;
}

TEST_P(StoreTest, DeletingMostOfASegmentWritesItAnew) {
  const std::unique_ptr<KnowledgeStore> store = open();
  StoreBatch batch;
  for (int i = 0; i < 10; ++i)
    batch.add.push_back(make_document("/" + std::to_string(i), {"common " + std::to_string(i)}));
  store->apply(batch);
  std::vector<int64_t> ids;
  for (const StoredDocument& document : store->documents({})) ids.push_back(document.id);
  ids.resize(9);
  store->apply({{}, ids, {}});
  EXPECT_THAT(search_texts(*store, "common"), ElementsAre("common 9"));
  ids = {store->documents({})[0].id};
  store->apply({{}, ids, {}});
  EXPECT_EQ(store->status().segments, 0);
  EXPECT_THAT(search_texts(*store, "common"), IsEmpty());
}

TEST_P(StoreTest, AnotherConnectionSeesEachCommit) {
  const std::unique_ptr<KnowledgeStore> reader = open();
  EXPECT_THAT(search_texts(*reader, "news"), IsEmpty());
  const std::unique_ptr<KnowledgeStore> writer = open();
  writer->apply({{make_document("/a", {"news today"})}, {}, {}});
  EXPECT_THAT(search_texts(*reader, "news"), ElementsAre("news today"));
  reader->apply({{make_document("/b", {"news tomorrow"})}, {}, {}});
  EXPECT_EQ(search_texts(*writer, "news").size(), 2U);
}

// Fails at the n-th statement that changes something.
class FailingDatabase : public SqlDatabase {
 public:
  FailingDatabase(std::unique_ptr<SqlDatabase> inner, int* left)
      : inner_(std::move(inner)), left_(left) {}
  SqlDialect dialect() const override { return inner_->dialect(); }
  const std::string& where() const override { return inner_->where(); }
  void run(std::string_view sql, const std::vector<SqlParameter>& parameters,
           FunctionRef<void(const SqlRow&)> on_row) override {
    if (!sql.starts_with("SELECT") && --*left_ == 0)
      throw Error(ErrorCode::kIo, "test", "the disk broke");
    inner_->run(sql, parameters, on_row);
  }
  void begin(bool writing) override { inner_->begin(writing); }
  void commit() override { inner_->commit(); }
  void rollback() noexcept override { inner_->rollback(); }
  bool has_vectors() const override { return inner_->has_vectors(); }

 private:
  std::unique_ptr<SqlDatabase> inner_;
  int* left_;
};

TEST_P(StoreTest, ACommitThatFailsHasNeverBeen) {
  int left = 0;
  KnowledgeStore store(std::make_unique<FailingDatabase>(database(), &left));
  store.apply({{make_document("/a", {"old words", "more"})}, {}, {}});
  int failures = 0;
  for (int at = 1;; ++at) {
    left = at;
    const StoreBatch batch = {
        {make_document("/a", {"new words"}), make_document("/b", {"b"})}, {}, {}};
    try {
      store.apply(batch);
      break;
    } catch (const Error&) {
      ++failures;
    }
    left = 0;
    ASSERT_EQ(store.status().chunks, 2) << at;
    ASSERT_THAT(search_texts(store, "words"), ElementsAre("old words")) << at;
    ASSERT_THAT(search_texts(*open(), "words"), ElementsAre("old words")) << at;
  }
  EXPECT_GT(failures, 8);
  EXPECT_THAT(search_texts(store, "words"), ElementsAre("new words"));
  EXPECT_EQ(store.status().documents, 2);
}

std::vector<float> random_vector(Rng& rng, int64_t dimensions) {
  std::vector<float> values;
  double length = 0;
  for (int64_t i = 0; i < dimensions; ++i) {
    values.push_back(static_cast<float>(rng.below(2001)) / 1000 - 1);
    length += static_cast<double>(values.back()) * values.back();
  }
  for (float& value : values) value /= static_cast<float>(std::sqrt(length));
  return values;
}

TEST_P(StoreTest, VectorsAreFoundByTheirChunksHash) {
  const std::unique_ptr<KnowledgeStore> store = open();
  store->set_embedder("a model", 3);
  NewDocument document = make_document("/a", {"one", "two"});
  document.chunks[0].hash = std::string("\0\xFFhash", 6);
  document.chunks[0].vector = encode_vector(quantize_vector(std::vector<float>{0.6F, 0, -0.8F}));
  store->apply({{document}, {}, {}});
  EXPECT_EQ(store->find_vector(document.chunks[0].hash), document.chunks[0].vector);
  EXPECT_EQ(store->find_vector("other"), "");
  EXPECT_EQ(store->embedder(), "a model");
  store->set_embedder("a model", 3);
  EXPECT_EQ(store->status().vectors, 1);
  store->set_embedder("another", 4);
  EXPECT_EQ(store->status().vectors, 0);
  EXPECT_EQ(store->embedder(), "another");
  // So that the next 'add' makes them anew.
  EXPECT_EQ(store->find_document("default", "/a")->hash, "");
}

TEST_P(StoreTest, NearVectorsAreThoseOfBruteForce) {
  constexpr int64_t kDimensions = 16;
  const std::unique_ptr<KnowledgeStore> store = open();
  store->set_embedder("m", kDimensions);
  Rng rng(8);
  std::map<int64_t, std::vector<float>> open_vectors;
  int64_t chunk = 0;
  for (int commit = 0; commit < 4; ++commit) {
    StoreBatch batch;
    for (int i = 0; i < 25; ++i) {
      const bool secret = i % 5 == 0;
      NewDocument document =
          make_document("/" + std::to_string(commit * 25 + i), {"x", "y"},
                        secret ? std::vector<std::string>{"secret"} : std::vector<std::string>{});
      for (NewChunk& one : document.chunks) {
        one.vector = encode_vector(quantize_vector(random_vector(rng, kDimensions)));
        one.hash = std::to_string(++chunk);
        const QuantizedVector stored = decode_vector(one.vector, kDimensions, "test");
        std::vector<float>& values = open_vectors[chunk];
        for (const int8_t value : stored.values)
          values.push_back(stored.scale * static_cast<float>(value));
        if (secret) open_vectors.erase(chunk);
      }
      batch.add.push_back(std::move(document));
    }
    store->apply(batch);
    const std::vector<float> query = random_vector(rng, kDimensions);
    std::vector<std::pair<double, int64_t>> expected;
    for (const auto& [number, vector] : open_vectors) {
      double dot = 0;
      for (size_t i = 0; i < vector.size(); ++i) dot += static_cast<double>(vector[i]) * query[i];
      expected.emplace_back(-dot, number);
    }
    std::sort(expected.begin(), expected.end());
    const std::vector<ScoredChunk> found =
        store->search_vectors(query, 10, {{}, std::vector<std::string>{}});
    ASSERT_EQ(found.size(), 10U);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].chunk, expected[i].second) << i;
      EXPECT_NEAR(found[i].score, -expected[i].first, 0.01);
    }
  }
  const std::vector<float> query = random_vector(rng, kDimensions);
  EXPECT_EQ(store->search_vectors(query, 1000, {}).size(), 200U);
  store->apply({{}, {store->documents({})[0].id}, {}});
  EXPECT_EQ(store->search_vectors(query, 1000, {}).size(), 198U);
  EXPECT_THROW(store->search_vectors(random_vector(rng, 3), 1, {}), Error);
}

TEST_P(StoreTest, ANewerStoreIsRefused) {
  open();
  database()->run("UPDATE numbers SET value = 99 WHERE name = 'schema'");
  try {
    open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

TEST(SqliteStoreTest, AFileThatIsNoStoreIsAnError) {
  const TemporaryFile file("notadb");
  std::ofstream(file.path()) << std::string(5000, 'x');
  try {
    KnowledgeStore store(open_sqlite(file.path(), true));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
  }
  EXPECT_THROW(open_sqlite(file.path() + "-missing", true), Error);
  EXPECT_FALSE(std::filesystem::exists(file.path() + "-missing"));
}

}  // namespace
}  // namespace onmal
