// What the mock server says.
export const CHAT = {
  en: `A tokenizer cuts text into pieces that the model knows by number.

1. **Training** looks for the pieces that shorten a corpus most.
2. **Encoding** finds the pieces of a new text.
3. **Decoding** joins them again, *byte for byte*.

\`\`\`python
for piece in tokenizer.encode("한국어"):
    print(piece)
\`\`\`

| kind | pieces for “한국어” |
|---|---|
| bytes | 9 |
| BPE | 2 |

More is in the [documentation](https://example.org/docs).`,
  ko: `토크나이저는 글을 모델이 번호로 아는 조각으로 자릅니다.

1. **학습**에서는 말뭉치를 가장 많이 줄이는 조각을 찾습니다.
2. **부호화**에서는 새 글의 조각을 찾습니다.
3. **복호화**에서는 조각을 다시 이어 *한 바이트도 다르지 않은* 글로 돌려놓습니다.

\`\`\`python
for piece in tokenizer.encode("한국어"):
    print(piece)
\`\`\`

조각이 적을수록 같은 문맥에 더 많은 글이 들어갑니다.`,
};

export const LONG = {
  en: 'The answer goes on and on, since it was asked to be long. '.repeat(200),
  ko: '길게 써 달라고 했으니 답은 계속 이어집니다. '.repeat(200),
};

export const MARKUP = `<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>

[click](javascript:window.attacked=1) <a href="javascript:window.attacked=1">here</a> ![pixel](https://example.com/p.png)`;

export const RUDE = {
  en: 'That was a stupid thing to say, you idiot, but let us go on.',
  ko: '그건 멍청이 같은 소리지만, 이야기를 이어 갑시다.',
};
export const RUDE_WORDS = /stupid|idiot|멍청이/g;

export const DOCUMENTS = [
  {
    id: 1,
    file: 'handbook.pdf',
    characters: 18230,
    passages: [
      {
        id: 11,
        title: 'Staff handbook',
        page: 7,
        text: 'Annual leave\nEvery employee has 15 days of paid leave in the first year. From the third year on, one day is added for every two years of service, up to 25 days.',
        before: 'Working hours\nCore hours are from 10:00 to 16:00.\n\n',
        after: '\n\nLeave that is not taken by the end of the year is paid out in January.',
      },
      {
        id: 12,
        title: 'Staff handbook',
        page: 8,
        text: 'Requests for leave are made at least three days before it begins, in the personnel system. The team lead answers within one working day.',
      },
    ],
  },
  {
    id: 2,
    file: '취업규칙.hwpx',
    characters: 9211,
    passages: [
      {
        id: 21,
        title: '취업규칙',
        page: 3,
        text: '제12조(연차휴가) 회사는 1년간 80퍼센트 이상 출근한 직원에게 15일의 유급휴가를 준다. 3년 이상 근무한 직원에게는 2년마다 1일을 더하며, 총 일수는 25일을 넘지 않는다.',
        before: '제11조(휴일) 주휴일은 일요일로 한다.\n\n',
        after: '\n\n제13조(휴가의 신청) 휴가는 3일 전까지 신청한다.',
      },
    ],
  },
];

export const GROUNDED = {
  en: [
    {
      text: 'In the first year every employee has 15 days of paid leave',
      quote: 'Every employee has 15 days of paid leave in the first year.',
      passage: 11,
      supported: true,
    },
    {
      text: 'Later one day is added for every two years, up to 25 days',
      quote: 'From the third year on, one day is added for every two years of service, up to 25 days.',
      passage: 11,
      supported: true,
    },
    {
      text: 'Leave is asked for by e-mail',
      quote: 'Requests for leave are made at least three days before it begins, in the personnel system.',
      passage: 12,
      supported: false,
    },
  ],
  ko: [
    {
      text: '1년간 80퍼센트 이상 출근한 직원은 15일의 유급휴가를 받습니다',
      quote: '1년간 80퍼센트 이상 출근한 직원에게 15일의 유급휴가를 준다.',
      passage: 21,
      supported: true,
    },
    {
      text: '3년 이상 일하면 2년마다 하루가 늘어 25일까지 받을 수 있습니다',
      quote: '3년 이상 근무한 직원에게는 2년마다 1일을 더하며, 총 일수는 25일을 넘지 않는다.',
      passage: 21,
      supported: true,
    },
  ],
};

export const WORDS = {
  en: 'king queen man woman boy girl dog cat horse bird river sea lake mountain forest city village road bridge train car ship bread rice milk tea coffee apple book letter school teacher doctor nurse music song dance red blue green black white'.split(
    ' ',
  ),
  ko: '왕 여왕 남자 여자 소년 소녀 개 고양이 말 새 강 바다 호수 산 숲 도시 마을 길 다리 기차 자동차 배 빵 쌀 우유 차 커피 사과 책 편지 학교 선생님 의사 간호사 음악 노래 춤 빨강 파랑 초록 검정 하양'.split(
    ' ',
  ),
};

export const isKorean = (text) => /[\uac00-\ud7a3]/.test(text);
