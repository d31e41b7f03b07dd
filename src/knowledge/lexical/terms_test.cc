#include "knowledge/lexical/terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace onmal {
namespace {

using ::testing::UnorderedElementsAre;

std::map<std::string, uint32_t> map_of(const std::vector<TermCount>& terms) {
  std::map<std::string, uint32_t> map;
  for (const TermCount& term : terms) EXPECT_TRUE(map.emplace(term.term, term.count).second);
  return map;
}

std::vector<std::string> query(std::string_view text) {
  std::vector<std::string> terms;
  for (const TermCount& term : query_terms(Analyzer(), text)) terms.push_back(term.term);
  return terms;
}

TEST(ChunkTerms, AreCountedAndTitlesCountThrice) {
  EXPECT_EQ(map_of(chunk_terms(Analyzer(), "Cats", "the cat and the dog")),
            (std::map<std::string, uint32_t>{{"cat", 4}, {"the", 2}, {"and", 1}, {"dog", 1}}));
  EXPECT_TRUE(chunk_terms(Analyzer(), "", " .").empty());
}

TEST(QueryTerms, LeaveFunctionWordsOutUnlessThereIsNothingElse) {
  EXPECT_THAT(query("What is the boundary layer of a wing?"),
              UnorderedElementsAre("boundari", "layer", "wing"));
  EXPECT_THAT(query("to be or not to be"), UnorderedElementsAre("to", "be", "or", "not"));
  EXPECT_THAT(query("연구에 대한 것"), UnorderedElementsAre("연구"));
  EXPECT_THAT(query("IT US"), UnorderedElementsAre("it", "us"));
  EXPECT_EQ(map_of(query_terms(Analyzer(), "cat cat cat dog")),
            (std::map<std::string, uint32_t>{{"cat", 3}, {"dog", 1}}));
  EXPECT_TRUE(query("").empty());
}

// Sorted, or a search in the list would miss some.
TEST(QueryTerms, EveryKindOfFunctionWordIsKnown) {
  for (const char* word : {"a", "and", "for", "of", "the", "with", "you", "그", "더", "것", "없"})
    EXPECT_EQ(query(std::string(word) + " 고양이"), query("고양이")) << word;
}

}  // namespace
}  // namespace onmal
