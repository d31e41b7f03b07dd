#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/rng.h"
#include "corpus/input/byte_stream.h"
#include "corpus/input/html_text.h"
#include "corpus/input/line_stream.h"
#include "corpus/input/plain_object.h"
#include "corpus/input/raw_documents.h"
#include "text/utf8.h"

namespace onmal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class InputTest : public ::testing::Test {
 protected:
  InputTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("onmal_input_" + std::to_string(::getpid()) + "_" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~InputTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  void read(const std::filesystem::path& path, const InputOptions& options) {
    documents_.clear();
    faults_.clear();
    offsets_.clear();
    urls_.clear();
    read_raw_documents(
        path, options,
        [&](const RawDocument& document) {
          documents_.emplace_back(document.text);
          offsets_.push_back(document.offset);
          urls_.emplace_back(document.url);
        },
        [&](const InputFault& fault) {
          faults_.push_back(std::to_string(fault.record) + ": " + fault.what);
        });
  }

  std::filesystem::path folder_;
  std::vector<std::string> documents_, faults_, urls_;
  std::vector<uint64_t> offsets_;
};

std::string gzipped(const std::string& text) {
  z_stream state = {};
  deflateInit2(&state, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&state, text.size()) + 64, '\0');
  std::string in = text;
  state.next_in = reinterpret_cast<Bytef*>(in.data());
  state.avail_in = static_cast<uInt>(in.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

std::string zstandard(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string xz(const std::string& text) {
  std::string out(lzma_stream_buffer_bound(text.size()), '\0');
  size_t size = 0;
  lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr,
                          reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                          reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

std::string read_all(const std::filesystem::path& path, size_t step) {
  const std::unique_ptr<ByteStream> stream = open_byte_stream(path);
  std::string text;
  std::string buffer(step, '\0');
  for (size_t got = 0; (got = stream->read(buffer)) > 0;) text.append(buffer, 0, got);
  return text;
}

std::string noise(size_t bytes) {
  Rng rng(4);
  std::string text;
  while (text.size() < bytes) text += std::to_string(rng.below(1000)) + " 한글\n";
  return text;
}

TEST_F(InputTest, EveryPackingGivesTheSameBytes) {
  const std::string text = noise(700'000);
  const std::string half = text.substr(0, 300'001);
  const std::string rest = text.substr(300'001);
  for (const std::string& packed : {text, gzipped(text), gzipped(half) + gzipped(rest), xz(text),
                                    zstandard(text), zstandard(half) + zstandard(rest)}) {
    const std::filesystem::path path = write("file", packed);
    EXPECT_EQ(read_all(path, 1 << 16), text);
    EXPECT_EQ(read_all(path, 997), text);
  }
  EXPECT_EQ(read_all(write("empty", ""), 100), "");
}

TEST_F(InputTest, CutOrDamagedPackingIsAnError) {
  const std::string text = noise(50'000);
  for (const std::string& packed : {gzipped(text), xz(text), zstandard(text)}) {
    for (const size_t keep : {packed.size() - 1, packed.size() / 2, size_t{12}}) {
      EXPECT_THROW(read_all(write("cut", packed.substr(0, keep)), 4096), Error) << keep;
    }
    std::string damaged = packed;
    for (size_t at = packed.size() / 2; at < packed.size() / 2 + 40; ++at) damaged[at] ^= '\x55';
    EXPECT_THROW(read_all(write("damaged", damaged), 4096), Error);
  }
}

TEST_F(InputTest, LinesOfAnyLength) {
  const std::string text = "one\r\n\n" + std::string(3'000'000, 'x') + "\nlast";
  LineStream lines(open_byte_stream(write("lines", text)), 1000);
  std::vector<size_t> sizes;
  std::vector<bool> cut;
  for (std::string_view line; lines.next(line);) {
    sizes.push_back(line.size());
    cut.push_back(lines.was_cut());
  }
  EXPECT_THAT(sizes, ElementsAre(3, 0, 1000, 4));
  EXPECT_THAT(cut, ElementsAre(false, false, true, false));
  EXPECT_EQ(lines.offset(), text.size() - 4);
}

TEST_F(InputTest, Formats) {
  read(write("a.txt", "하나\n둘\n\n\nthree\n"), {InputFormat::kParagraphs});
  EXPECT_THAT(documents_, ElementsAre("하나\n둘", "three"));
  EXPECT_THAT(offsets_, ElementsAre(0, 13));
  read(write("a.lines", "하나\n\n둘\n"), {InputFormat::kLines});
  EXPECT_THAT(documents_, ElementsAre("하나", "둘"));
  read(write("a.jsonl",
             "{\"text\": \"가\", \"url\": \"http://x\"}\nnot json\n{\"other\": 1}\n{\"text\": "
             "\"나\"}"),
       {InputFormat::kJsonLines});
  EXPECT_THAT(documents_, ElementsAre("가", "나"));
  EXPECT_EQ(urls_[0], "http://x");
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("2: is no JSON"), HasSubstr("3: has no text")));
  read(write("a.tsv", "id\ttext\tmore\n1\t가\tx\n2\n3\t나\ty\n"),
       {InputFormat::kTable, {"text", "more"}});
  EXPECT_THAT(documents_, ElementsAre("가\nx", "나\ny"));
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("3: has too few")));
  read(write("b.tsv", "id\tother\n1\t가\n"), {InputFormat::kTable});
  EXPECT_THAT(documents_, IsEmpty());
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("has no column 'text'")));
  EXPECT_EQ(input_format_of("x/a.jsonl.zst"), InputFormat::kJsonLines);
  EXPECT_EQ(input_format_of("CC-MAIN.warc.wet.gz"), InputFormat::kWarc);
  EXPECT_THROW(input_format_of("a.bin"), Error);
}

TEST_F(InputTest, TablesWithQuotesAndListsOfObjects) {
  const std::string rows =
      "Q,A,date\n\"첫째 \"\"줄\"\"\n둘째\",답,2019-01\n빈,,2020-05\n하나\n\"끝,x,2019-02";
  read(write("a.csv", rows), {InputFormat::kCsv, {"Q", "A"}});
  EXPECT_THAT(documents_, ElementsAre("첫째 \"줄\"\n둘째\n답", "빈"));
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("4: has too few"), HasSubstr("5: is longer")));
  InputOptions dated{InputFormat::kCsv, {"Q"}};
  dated.date_field = "date";
  dated.begins_before = "2020-01";
  read(write("a.csv", rows), dated);
  EXPECT_THAT(documents_, ElementsAre("첫째 \"줄\"\n둘째"));
  const std::string list =
      " [ {\"q\": \"가 \\\"}{\", \"n\": {\"q\": \"안\"}, \"a\": \"\"}, 5,\n{\"a\": \"나\"}, "
      "{\"x\": 1}]";
  read(write("a.json", list), {InputFormat::kJson, {"q", "a"}});
  EXPECT_THAT(documents_, ElementsAre("가 \"}{", "나"));
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("3: has no text in \"q, a\"")));
  read(write("b.json", list.substr(0, list.size() - 4)), {InputFormat::kJson, {"q", "a"}});
  EXPECT_THAT(documents_, SizeIs(2));
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("ends within an object")));
  InputOptions small{InputFormat::kJson, {"q", "a"}};
  small.most_document_bytes = 20;
  read(write("a.json", list), small);
  EXPECT_THAT(documents_, ElementsAre("나"));
  EXPECT_EQ(input_format_named("csv"), InputFormat::kCsv);
  EXPECT_FALSE(input_format_named("doc").has_value());
}

// What the quick reader takes, the whole parser takes and gives the same; random mutations of
// objects.
TEST(PlainObjectTest, AgreesWithTheParser) {
  const std::vector<std::string> names = {"text", "나"};
  const std::string alphabet = "{}[]:,\"\\/untfx0123.-eE+ \t\nasl";
  const std::vector<std::string> seeds = {
      R"({"text": "a\n\u00e9\\ \"q\"", "n": -1.5, "나": "글", "t": true, "z": null})",
      R"({"a":0,"b":false,"text":""})",
      R"({})",
      R"({"text":"x","text":"y"})",
      R"({"a":{"text":"in"},"b":["text"]})",
      R"({"a": 01, "b": 1e5, "c": "\ud83d\ude00"})"};
  Rng rng(3);
  int quick = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string json = seeds[rng.below(seeds.size())];
    for (uint64_t k = rng.below(4); k > 0; --k) {
      const size_t at = rng.below(json.size() + 1);
      const char c = alphabet[rng.below(alphabet.size())];
      if (at < json.size() && rng.below(2) == 0) json.erase(at, 1);
      if (rng.below(2) == 0) json.insert(std::min(at, json.size()), 1, c);
    }
    if (find_invalid_utf8(json) != std::string::npos) continue;
    std::vector<std::optional<std::string>> values;
    if (!read_plain_object(json, names, values)) continue;
    ++quick;
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << json;
    for (size_t i = 0; i < names.size(); ++i) {
      const auto found = parsed.find(names[i]);
      if (found != parsed.end() && found->is_string()) {
        ASSERT_EQ(values[i], found->get<std::string>()) << json;
      } else if (found == parsed.end()) {
        ASSERT_EQ(values[i], std::nullopt) << json;
      }
    }
  }
  EXPECT_GT(quick, 10'000);
}

TEST_F(InputTest, EncodingsOfOtherTimes) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "문장 " + std::to_string(i) + " 😁\n";
  std::u16string units;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    at += c.length;
    if (c.code < 0x10000) {
      units += static_cast<char16_t>(c.code);
    } else {
      units += static_cast<char16_t>(0xD800 + ((c.code - 0x10000) >> 10));
      units += static_cast<char16_t>(0xDC00 + ((c.code - 0x10000) & 0x3FF));
    }
  }
  for (const bool big : {false, true}) {
    std::string bytes = big ? "\xFE\xFF" : "\xFF\xFE";
    for (const char16_t unit : units) {
      const auto high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xFF);
      bytes += big ? high : low;
      bytes += big ? low : high;
    }
    read(write("wide", bytes), {InputFormat::kLines});
    EXPECT_THAT(faults_, IsEmpty());
    ASSERT_THAT(documents_, SizeIs(20'000));
    EXPECT_EQ(documents_[19'999], "문장 19999 😁");
    read(write("wide", bytes.substr(2)), {InputFormat::kLines});
    EXPECT_THAT(documents_, SizeIs(20'000));
    read(write("wide", bytes.substr(0, 21)), {InputFormat::kLines});
    EXPECT_THAT(documents_, ElementsAre("문장 0 😁", ::testing::EndsWith("\uFFFD")));
  }
  const std::string korean = "\xC0\xCC \xB9\xAE\xC0\xE5\xC0\xBA \xC7\xD1\xB1\xDB\xC0\xCC\xB4\xD9";
  read(write("old.lines", korean + "\nplain\n"), {InputFormat::kLines});
  EXPECT_THAT(documents_, ElementsAre("이 문장은 한글이다", "plain"));
  read(write("old.jsonl", "{\"text\": \"" + korean + "\"}\n"), {InputFormat::kJsonLines});
  EXPECT_THAT(documents_, ElementsAre("이 문장은 한글이다"));
}

TEST_F(InputTest, FaultsArePassedOverAndTold) {
  InputOptions options{InputFormat::kLines};
  options.most_document_bytes = 100'000;
  read(write("long", "before\n" + std::string(2'000'000, 'x') + "\nbehind\n"), options);
  EXPECT_THAT(documents_, ElementsAre("before", "behind"));
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("2: is longer than")));
  read(write("bad", "good\nbad \xFF\xC3 byte\n"), options);
  EXPECT_THAT(documents_, ElementsAre("good", "bad \uFFFD\uFFFD byte"));
  EXPECT_THAT(faults_, SizeIs(1));
  const std::string packed = gzipped(noise(900'000));
  read(write("cut.gz", packed.substr(0, packed.size() / 2)), options);
  EXPECT_GT(documents_.size(), 1000U);
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("ends in the middle")));
  read(folder_ / "missing", options);
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("cannot open")));
  std::filesystem::create_directory(folder_ / "directory");
  read(folder_ / "directory", options);
  EXPECT_THAT(faults_, SizeIs(1));
}

TEST_F(InputTest, ErrorsOfTheCallerComeThrough) {
  const std::filesystem::path path = write("lines", "a\nb\n");
  const auto fail = [](const RawDocument&) {
    throw Error(ErrorCode::kBadFile, "caller", "refuses");
  };
  EXPECT_THROW(read_raw_documents(path, {InputFormat::kLines}, fail, [](const InputFault&) {}),
               Error);
}

std::string warc_record(const std::string& type, const std::string& block) {
  return "WARC/1.0\r\nWARC-Type: " + type + "\r\nWARC-Target-URI: http://example.com/" + type +
         "\r\nContent-Length: " + std::to_string(block.size()) + "\r\n\r\n" + block + "\r\n\r\n";
}

const std::string kSentence =
    "서울은 대한민국의 수도이고 한강이 도시를 가로질러 흐르며 오래된 궁궐과 높은 건물이 함께 서 "
    "있는 곳으로 많은 사람이 찾는다. ";

TEST_F(InputTest, WebArchives) {
  const std::string page =
      "<html><body><nav><a href=/>메뉴</a></nav><p>" + kSentence + kSentence + "</p></body></html>";
  const std::string response =
      "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page;
  char size[32];
  std::snprintf(size, sizeof(size), "%zx", page.size());
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/html\r\n\r\n" +
      std::string(size) + "\r\n" + page + "\r\n0\r\n\r\n";
  // As Common Crawl does: each record a gzip member.
  const std::string archive =
      gzipped(warc_record("warcinfo", "software: x")) + gzipped(warc_record("response", response)) +
      gzipped(warc_record("response", chunked)) + gzipped(warc_record("conversion", "plain text")) +
      gzipped(warc_record("response", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nx"));
  read(write("a.warc.gz", archive), {InputFormat::kWarc});
  EXPECT_THAT(faults_, IsEmpty());
  ASSERT_THAT(documents_, SizeIs(3));
  EXPECT_EQ(documents_[0], documents_[1]);
  EXPECT_THAT(documents_[0], HasSubstr("수도이고"));
  EXPECT_THAT(documents_[0], ::testing::Not(HasSubstr("메뉴")));
  EXPECT_EQ(documents_[2], "plain text");
  EXPECT_EQ(urls_[2], "http://example.com/conversion");
  read(write("cut.warc",
             warc_record("conversion", "whole") + "WARC/1.0\r\nContent-Length: 99\r\n\r\nx"),
       {InputFormat::kWarc});
  EXPECT_THAT(documents_, ElementsAre("whole"));
  EXPECT_THAT(faults_, ElementsAre(HasSubstr("is cut short")));
}

TEST(HtmlTextTest, MenusGoTheTextStays) {
  const std::string html =
      "<html><head><title>제목</title><script>var x = 1;</script></head><body>"
      "<ul><li><a href=1>홈</a></li><li><a href=2>로그인</a></li></ul>"
      "<h1>서울 이야기</h1><p>" +
      kSentence + kSentence +
      "</p><p>짧지만 좋은 문장 하나가 여기에 더 있습니다 정말로.</p>"
      "<p>" +
      kSentence +
      "<a href=3>자세히</a></p>"
      "<div><a href=4>관련 기사 하나</a> <a href=5>관련 기사 둘이 여기에 있다</a></div>"
      "<footer>Copyright</footer></body></html>";
  const HtmlText page = read_html_text(html, "test");
  EXPECT_EQ(page.title, "제목");
  EXPECT_THAT(page.text, HasSubstr("수도이고"));
  EXPECT_THAT(page.text, HasSubstr("짧지만 좋은"));
  EXPECT_THAT(page.text, HasSubstr("자세히"));
  for (const char* gone : {"홈", "로그인", "관련 기사", "Copyright", "var x"})
    EXPECT_THAT(page.text, ::testing::Not(HasSubstr(gone)));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<div>";
  EXPECT_THROW(read_html_text(deep, "deep"), Error);
}

}  // namespace
}  // namespace onmal
