// Documents that LibreOffice made of tests/documents/guide.fodt, against the text it holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "knowledge/document.h"

namespace onmal {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return fs::path(ONMAL_SOURCE_DIR) / "tests" / "documents"; }

std::string expected(const char* name) {
  std::string text = read_file(folder() / name);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

size_t count_blocks(const Document& document, BlockKind kind) {
  return static_cast<size_t>(std::count_if(document.blocks.begin(), document.blocks.end(),
                                           [&](const Block& block) { return block.kind == kind; }));
}

void expect_structure(const Document& document) {
  EXPECT_EQ(document.title, "물레방아 안내서");
  EXPECT_EQ(count_blocks(document, BlockKind::kHeading), 3U);
  EXPECT_EQ(count_blocks(document, BlockKind::kListItem), 4U);
  EXPECT_EQ(count_blocks(document, BlockKind::kTableRow), 3U);
}

TEST(GoldenDocuments, DocxWithNotesBoxesAndComments) {
  for (const char* name : {"guide.docx", "from-odt.docx"}) {
    const Document document = read_document(folder() / name);
    EXPECT_EQ(document.text, expected("docx.txt")) << name;
    expect_structure(document);
    EXPECT_EQ(document.warnings, std::vector<std::string>{"left out: 1 parts of comments"});
  }
}

TEST(GoldenDocuments, Html) {
  const Document document = read_document(folder() / "guide.html");
  EXPECT_EQ(document.text, expected("html.txt"));
  expect_structure(document);
}

// The order of a page's columns is pdftotext's to choose.
TEST(GoldenDocuments, PdfByPages) {
  Document document;
  try {
    document = read_document(folder() / "guide.pdf");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnsupported) GTEST_SKIP() << error.what();
    throw;
  }
  EXPECT_GE(document.pages.size(), 2U);
  for (const char* text : {"물레방아는 흐르는 물의 힘으로 바퀴를 돌린다", "the pestle & the mortar",
                           "참나무", "글상자: 겨울에는 물을 뺀다.", "Tallow was used until 1950."})
    EXPECT_NE(document.text.find(text), std::string::npos) << text;
  try {
    read_document(folder() / "secret.pdf");
    ADD_FAILURE() << "read without its password";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("without a password"), std::string::npos);
  }
}

TEST(GoldenDocuments, CutOffAnywhereTheyAreReadOrRefused) {
  for (const char* name : {"guide.docx", "guide.html", "guide.pdf"}) {
    const std::string bytes = read_file(folder() / name);
    const bool pdf = std::string(name).ends_with("pdf");
    for (size_t i = 0; i < 20; i += pdf ? 5 : 1) {
      try {
        const Document document =
            read_document_bytes(std::string_view(bytes).substr(0, bytes.size() * i / 20), name);
        EXPECT_FALSE(std::string(name).ends_with("docx")) << "half a zip file was read";
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
      }
    }
  }
}

TEST(GoldenDocuments, PicturesAreNoDocuments) {
  const auto refused = [](const std::string& bytes, const char* name) {
    try {
      read_document_bytes(bytes, name);
    } catch (const Error& error) {
      return std::string(error.what()).find("a picture") != std::string::npos;
    }
    return false;
  };
  const std::string svg = "<svg xmlns='http://www.w3.org/2000/svg'><text>words</text></svg>";
  EXPECT_TRUE(refused(svg, "a.svg"));
  EXPECT_TRUE(refused(svg, "a"));
  EXPECT_TRUE(refused("\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- x > y -->\n" + svg, "a.xml"));
  EXPECT_TRUE(refused("<!DOCTYPE svg [ <!ENTITY a 'b'> <!ENTITY c 'd'> ]>" + svg, "b"));
  EXPECT_FALSE(refused("<svgs>no picture</svgs>", "a.xml"));
  EXPECT_FALSE(refused("# Title\n\n" + svg, "a.md"));
}

}  // namespace
}  // namespace onmal
