#include <gtest/gtest.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "knowledge/document.h"
#include "text/encoding.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using Parts = std::vector<std::pair<std::string, std::string>>;

std::string zip_of(const Parts& parts) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(source);
  zip_t* archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  for (const auto& [name, content] : parts) {
    zip_source_t* part = zip_source_buffer(archive, content.data(), content.size(), 0);
    zip_file_add(archive, name.c_str(), part, ZIP_FL_ENC_UTF_8);
  }
  zip_close(archive);
  zip_source_open(source);
  zip_source_seek(source, 0, SEEK_END);
  std::string bytes(static_cast<size_t>(zip_source_tell(source)), '\0');
  zip_source_seek(source, 0, SEEK_SET);
  zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  zip_source_free(source);
  return bytes;
}

std::string docx_of(const std::string& body) {
  return zip_of({{"word/document.xml",
                  "<w:document xmlns:w='w'><w:body>" + body + "</w:body></w:document>"}});
}

ErrorCode code_of(std::string_view bytes, const std::string& name, const ReadLimits& limits = {}) {
  try {
    read_document_bytes(bytes, name, limits);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kCancelled;  // it was read
}

// What every document promises.
void check_promises(const Document& document) {
  EXPECT_EQ(find_invalid_utf8(document.text), std::string::npos);
  EXPECT_EQ(normalize_unicode(document.text, NormalForm::kNfc), document.text);
  uint64_t last = 0;
  for (const Block& block : document.blocks) {
    EXPECT_LE(last, block.begin);
    EXPECT_LT(block.begin, block.end);
    EXPECT_EQ(document.text.substr(last, block.begin - last).find_first_not_of('\n'),
              std::string::npos);
    last = block.end;
  }
  EXPECT_EQ(last, document.text.size());
}

// The text of every span stands in the decoded file where the span says; returns how much does.
size_t check_sources(const Document& document, const std::string& file) {
  size_t mapped = 0;
  for (size_t i = 0; i < document.sources.size(); ++i) {
    const SourceSpan& span = document.sources[i];
    const bool last = i + 1 == document.sources.size();
    const uint64_t end = last ? document.text.size() : document.sources[i + 1].begin;
    EXPECT_LE(span.begin, end);
    if (span.source == kNoSource) continue;
    EXPECT_EQ(file.substr(span.source, end - span.begin),
              document.text.substr(span.begin, end - span.begin));
    mapped += end - span.begin;
  }
  return mapped;
}

Document read(const std::string& bytes, const std::string& name) {
  Document document = read_document_bytes(bytes, name);
  check_promises(document);
  if (!document.sources.empty()) check_sources(document, decode_text(bytes, name).text);
  return document;
}

TEST(Readers, PlainTextInEveryEncoding) {
  const std::string text = "첫 문단이다.\n둘째 줄\n\n둘째 문단";
  EXPECT_EQ(read(text, "a.txt").text, text);
  EXPECT_EQ(read("\xEF\xBB\xBF" + text, "a.txt").text, text);
  std::string little;
  std::string big;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = read_utf8(text, i);
    i += c.length;
    little += {static_cast<char>(c.code & 0xFF), static_cast<char>(c.code >> 8)};
    big += {static_cast<char>(c.code >> 8), static_cast<char>(c.code & 0xFF)};
  }
  EXPECT_EQ(read("\xFF\xFE" + little, "a.txt").text, text);
  EXPECT_EQ(read("\xFE\xFF" + big, "a.txt").text, text);
  EXPECT_EQ(read(little, "a.txt").text, text);
  // "가나다 한글" in CP949, by its table
  EXPECT_EQ(read("\xB0\xA1\xB3\xAA\xB4\xD9 \xC7\xD1\xB1\xDB", "a.txt").text, "가나다 한글");
  EXPECT_EQ(code_of(std::string("\0\1\2\3\4\xFF\xFE\0\7", 9), "a.txt"), ErrorCode::kUnsupported);
}

TEST(Readers, SourcesOfTextFormats) {
  const std::string html =
      "<html><head><title>T &amp; t</title><script>var x;</script></head><body><h1>Big</h1>"
      "<nav>menu</nav><p>one  two &lt;three&gt; <b>four</b></p><p hidden>no</p><ul><li>a<li>b</ul>"
      "<table><tr><th>k<th>v<tr><td>1<td>2</table><pre>x\n  y</pre></body></html>";
  const Document page = read(html, "a.html");
  EXPECT_EQ(page.text, "Big\n\none two <three> four\n\na\nb\n\nk | v\n1 | 2\n\nx\n  y");
  EXPECT_EQ(page.title, "T & t");
  EXPECT_GT(check_sources(page, html), 20U);
  const std::string markdown =
      "# Head *line*\n\nPara [link](http://x) with `code`.\n\n- one\n- two\n\n> said\n\n"
      "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nlet x;\n```\n";
  const Document text = read(markdown, "a.md");
  EXPECT_EQ(text.text,
            "Head line\n\nPara link with code.\n\none\ntwo\n\nsaid\n\na | b\n1 | 2\n\nlet x;");
  EXPECT_GT(check_sources(text, markdown), 30U);
  const Document code = read("int a;\r\n\r\nint f() {\r\n\r\n  return 1;\r\n}\r\n", "a.cc");
  ASSERT_EQ(code.blocks.size(), 2U);
  EXPECT_EQ(code.text, "int a;\n\nint f() {\n\n  return 1;\n}");
}

TEST(Readers, Tables) {
  EXPECT_EQ(read("name,age\n\"Kim, \"\"A\"\"\",3\nLee,4\n", "a.csv").text,
            "name: Kim, \"A\" | age: 3\nname: Lee | age: 4");
  EXPECT_EQ(read("1\t2\n3\t4\n", "a.tsv").text, "1 | 2\n3 | 4");
  EXPECT_EQ(read("{\"text\":\"본문\",\"n\":1}\n", "a.jsonl").text, "본문\nn: 1");
  EXPECT_EQ(code_of(std::string(100000, '['), "a.jsonl"), ErrorCode::kBadFile);
}

TEST(Readers, Mail) {
  const Document mail = read(
      "From: =?utf-8?B?6rmA?= <k@x>\nSubject: =?euc-kr?Q?=C7=D1=B1=DB?=\nMIME-Version: 1.0\n"
      "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/html; "
      "charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<p>caf=C3=A9 =\nok</p>\n"
      "--b\nContent-Type: image/png; name=p.png\n\nxx\n--b--\n",
      "a.eml");
  EXPECT_EQ(mail.title, "한글");
  EXPECT_EQ(mail.text, "한글\n\nFrom: 김 <k@x>\n\ncafé ok");
  EXPECT_EQ(mail.warnings, std::vector<std::string>{"attachment left out: p.png"});
}

TEST(Readers, Docx) {
  const Document document = read(
      docx_of("<w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr><w:r><w:t>제목</w:t></w:r></w:p>"
              "<w:p><w:ins><w:r><w:t>in</w:t></w:r></w:ins><w:del><w:r><w:delText>out</w:delText>"
              "</w:r></w:del></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc>"
              "<w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"),
      "a.docx");
  EXPECT_EQ(document.text, "제목\n\nin\n\na | b");
  EXPECT_EQ(document.blocks[0].kind, BlockKind::kHeading);
  EXPECT_EQ(document.blocks[0].level, 2);
}

TEST(Readers, Hwpx) {
  const Document document = read(
      zip_of({{"mimetype", "application/hwp+zip"},
              {"Contents/section0.xml",
               "<hs:sec><hp:p><hp:run><hp:t>본문<hp:tab/>끝</hp:t></hp:run></hp:p><hp:p><hp:run>"
               "<hp:tbl><hp:tr><hp:tc><hp:subList><hp:p><hp:run><hp:t>가</hp:t></hp:run></hp:p>"
               "</hp:subList></hp:tc><hp:tc><hp:subList><hp:p><hp:run><hp:t>나</hp:t></hp:run>"
               "</hp:p></hp:subList></hp:tc></hp:tr></hp:tbl></hp:run></hp:p></hs:sec>"}}),
      "a.hwpx");
  EXPECT_EQ(document.text, "본문\t끝\n\n가 | 나");
}

TEST(Readers, HostileFilesAreRefused) {
  EXPECT_EQ(code_of(docx_of(std::string(size_t{40} << 20, ' ')), "a.docx"), ErrorCode::kResource);
  std::string deep;
  for (int i = 0; i < 20000; ++i) deep += "<w:sdt>";
  for (int i = 0; i < 20000; ++i) deep += "</w:sdt>";
  EXPECT_EQ(code_of(docx_of(deep), "a.docx"), ErrorCode::kBadFile);
  std::string divs;
  for (int i = 0; i < 200000; ++i) divs += "<div>";
  EXPECT_EQ(code_of(divs, "a.html"), ErrorCode::kResource);
  const std::string bomb = zip_of(
      {{"word/document.xml",
        "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><w:document><w:body>"
        "<w:p><w:r><w:t>x&b;</w:t></w:r></w:p></w:body></w:document>"}});
  EXPECT_EQ(read(bomb, "a.docx").text, "x&b;");
  EXPECT_EQ(code_of("no zip", "a.docx"), ErrorCode::kBadFile);
  ReadLimits small;
  small.text_bytes = 10;
  EXPECT_EQ(code_of("longer than ten bytes", "a.txt", small), ErrorCode::kResource);
}

// Every document at hand, whole, cut at each fiftieth and with flipped bits: read or refused.
TEST(Readers, DocumentsAtHand) {
  const std::filesystem::path folder =
      std::filesystem::path(ONMAL_SOURCE_DIR) / ".." / "shared" / "data" / "documents";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
  std::map<std::string, int> read_counts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::string bytes = read_file(entry.path());
    try {
      check_promises(read_document_bytes(bytes, name));
      ++read_counts[entry.path().extension().string()];
    } catch (const Error& error) {
      std::cout << "refused: " << error.what() << '\n';
    }
    if (name.starts_with("pdf")) continue;  // the program's to deal with
    for (size_t i = 0; i < 50; ++i) {
      code_of(std::string_view(bytes).substr(0, bytes.size() * i / 50), name);
      std::string flipped = bytes;
      for (size_t at = i * 7; at < flipped.size(); at += 997)
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << (i % 8)));
      code_of(flipped, name);
    }
  }
  EXPECT_GT(read_counts[".docx"], 20);
  EXPECT_GT(read_counts[".hwp"], 20);
  EXPECT_GT(read_counts[".hwpx"], 22);  // scripts named "header…" are no header
}

}  // namespace
}  // namespace onmal
