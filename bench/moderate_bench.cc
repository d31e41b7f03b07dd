// Time of one moderation with the built-in lexicon, policy and classifier, one thread.
// usage: moderate_bench [TEXT_A_LINE]

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "base/file.h"
#include "safety/moderator.h"
#include "text/utf8.h"

namespace {

using namespace onmal;

constexpr std::string_view kText =
    "오늘 회의에서는 다음 달에 열리는 행사의 준비를 이야기했습니다. 먼저 장소를 정하고, 초대할 "
    "사람들의 "
    "명단을 만들기로 했어요. 예산은 작년보다 조금 늘었지만, 식사와 교통에 드는 돈이 많아서 아껴 "
    "써야 "
    "합니다. 각자 맡은 일을 금요일까지 적어서 보내 주세요. 궁금한 점이 있으면 언제든지 저에게 "
    "물어보시면 "
    "됩니다. 그럼 다음 주 월요일 아침 열 시에 다시 만나서 이야기하죠. 모두 수고하셨고 고맙습니다!";

}  // namespace

int main(int count, char** arguments) {
  try {
    // Words of the text or file over and over, cut into texts of 200 characters.
    const std::string source = count > 1 ? read_file(arguments[1]) : std::string(kText);
    std::string text;
    for (size_t at = 0; count_characters(text) < 200;) {
      const Utf8Char c = read_utf8(source, at);
      text += source.substr(at, c.length);
      at = (at + c.length) % source.size();
    }
    const auto time = [&](const Moderator& moderator, const char* name) {
      constexpr int kTimes = 2000;
      size_t flagged = 0;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kTimes; ++i) flagged += moderator.check(text, Place::kAnswer).flagged;
      const std::chrono::duration<double, std::milli> spent =
          std::chrono::steady_clock::now() - start;
      std::printf("%-36s %.3f ms for 200 characters (%zu flagged)\n", name, spent.count() / kTimes,
                  flagged);
    };
    time(Moderator(Lexicon::standard(), Policy::standard()), "lexicon alone");
    time(Moderator::standard(), "lexicon and linear classifier");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "moderate_bench: %s\n", error.what());
    return 1;
  }
}
