#include "corpus/clean/function_words.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace onmal {
namespace {

// Words that English, or other languages in Latin script, are full of; none is frequent on both
// sides.
constexpr std::string_view kEnglishWords =
    "the of and to is that it was for you with be this have are not they his from by he had but "
    "what were we when your can said there an each which their will about if out many then them "
    "these some her would make like him into has two more could been its who now people my than "
    "first did down only way find use may other very after our just where most know through "
    "before any same as at or all how up us she such here why no see get new set using used does "
    "should because must over between both being while so on in do one i";
constexpr std::string_view kOtherWords =
    "der die das und ist nicht ein eine einen dem den des mit sich auf für auch es zu im von wird "
    "werden kann oder bei nach wie ich sie sind zum zur aus keine diese dieser wenn aber nur noch "
    "le la les des une est et dans que qui pour pas sur au du avec ce sont plus vous nous il elle "
    "ne ou ses aux été cette être fait comme mais peut votre el los las del por con una se lo su "
    "para como más pero sus ya este entre cuando muy sin sobre también hasta hay donde no_ o_ os "
    "da dos em um uma não na por mais ao seu sua ou quando muito já eu também pelo pela isso foi "
    "di che e_ il per non sono della gli alla nel si anche dei ha questo come delle più essere "
    "het een van te dat niet zijn voor met op aan door maar ook naar dan wordt worden bij uit kan "
    "och att det som på är av för inte till den ett har med om kan var från eller og i_ ikke til "
    "er af at_ jeg vi nie się jest do na że w_ z_ jak dla tego przez oraz może być ve bir bu için "
    "ile değil olarak daha gibi ja on_ ei että se ovat olla mutta kun yang dan di ini itu dengan "
    "untuk dari tidak akan pada juga je ako není nebo jako která pro při și nu este cu pe sau mai "
    "và là của không có được cho một những các người trong đã với az egy és nem hogy van meg";

// Words of at most eight bytes as numbers, in an open hash table made when compiled.
class WordTable {
 public:
  constexpr WordTable(std::string_view english, std::string_view other) {
    fill(english, 1);
    fill(other, 2);
  }

  // 0: no function word, 1: English, 2: another language's.
  int find(uint64_t word) const {
    for (size_t at = place(word);; at = (at + 1) % kSize) {
      if (words_[at] == word) return kinds_[at];
      if (words_[at] == 0) return 0;
    }
  }

 private:
  static constexpr size_t kSize = 2048;

  static constexpr size_t place(uint64_t word) {
    return static_cast<size_t>((word * 0x9E3779B97F4A7C15ULL) >> 53);
  }

  constexpr void fill(std::string_view list, uint8_t kind) {
    uint64_t word = 0;
    size_t length = 0;
    for (size_t i = 0; i <= list.size(); ++i) {
      if (i < list.size() && list[i] != ' ') {
        word = (word << 8) | static_cast<uint8_t>(list[i]);
        ++length;
        continue;
      }
      if (length > 0 && length <= 8) add(word, kind);
      word = 0;
      length = 0;
    }
  }

  // A word that is in the table stays what it was: English comes first.
  constexpr void add(uint64_t word, uint8_t kind) {
    size_t at = place(word);
    while (words_[at] != 0 && words_[at] != word) at = (at + 1) % kSize;
    if (words_[at] == 0) kinds_[at] = kind;
    words_[at] = word;
  }

  std::array<uint64_t, kSize> words_ = {};
  std::array<uint8_t, kSize> kinds_ = {};
};
constexpr WordTable kWords(kEnglishWords, kOtherWords);

}  // namespace

int function_word_kind(uint64_t packed) { return kWords.find(packed); }

}  // namespace onmal
