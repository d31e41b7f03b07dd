#include <gtest/gtest.h>

#include "serve/http/http_error.h"
#include "serve/http/multipart.h"
#include "serve/http/url.h"

namespace onmal {
namespace {

constexpr const char* kForm = "multipart/form-data; boundary=\"b1\"";

TEST(Multipart, ReadsFilesAsBrowsersSendThem) {
  const std::string body =
      "--b1\r\nContent-Disposition: form-data; name=\"collection\"\r\n\r\nmine\r\n"
      "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"보고서.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nline\r\n--b2 is text\r\n\r\n--b1--\r\n";
  const auto parts = parse_multipart(kForm, body);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "collection");
  EXPECT_EQ(parts[0].bytes, "mine");
  EXPECT_EQ(parts[1].file_name, "보고서.txt");
  EXPECT_EQ(parts[1].bytes, "line\r\n--b2 is text\r\n");
}

TEST(Multipart, RefusesWhatIsNone) {
  const std::string good = "--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b1--";
  EXPECT_EQ(parse_multipart(kForm, good).size(), 1U);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(parse_multipart(kForm, good.substr(0, size)), HttpError) << size;
  EXPECT_THROW(parse_multipart("application/json", good), HttpError);
  EXPECT_THROW(parse_multipart("multipart/form-data", good), HttpError);
  std::string many;
  for (int i = 0; i < 5; ++i)
    many += "--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
  EXPECT_THROW(parse_multipart(kForm, many + "--b1--", 4), HttpError);
}

TEST(Multipart, MakesNamesHarmless) {
  EXPECT_EQ(safe_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_file_name("C:\\a\\b.txt"), "b.txt");
  EXPECT_EQ(safe_file_name("..."), "");
  EXPECT_EQ(safe_file_name(".bashrc"), "bashrc");
  EXPECT_EQ(safe_file_name(std::string("a\0b\n.txt", 8)), "ab.txt");
  EXPECT_EQ(safe_file_name("보고서 (최종).hwp"), "보고서 (최종).hwp");
  const std::string longest = safe_file_name(std::string(300, 'a') + ".txt");
  EXPECT_EQ(longest.size(), 200U);
  EXPECT_TRUE(longest.ends_with("a.txt"));
}

TEST(Url, ReadsTargets) {
  EXPECT_EQ(parse_target("/a%20b?x=1&y=%26")->path, "/a b");
  EXPECT_EQ(parse_target("http://host/a")->path, "/a");
  EXPECT_EQ(parse_target("/a?x=1&y=%26")->query[1].second, "&");
  for (const char* bad : {"", "a", "/%", "/%4", "/%zz", "/%00", "/%ff"})
    EXPECT_FALSE(parse_target(bad).has_value()) << bad;
}

TEST(HttpErrors, HidePaths) {
  EXPECT_EQ(without_paths("/home/user/models/x.gguf: has no tokenizer"),
            "x.gguf: has no tokenizer");
  EXPECT_EQ(without_paths("cannot open '/srv/a/b.txt' and/or c"), "cannot open 'b.txt' and/or c");
  EXPECT_EQ(without_paths("3 / 4 tokens/s"), "3 / 4 tokens/s");
}

}  // namespace
}  // namespace onmal
