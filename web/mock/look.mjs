// Attention, tokens, next words and the word map, made up.
import { isKorean, WORDS } from './texts.mjs';

const LAYERS = 6;
const HEADS = 8;

function random(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function piecesOf(text, level) {
  if (level === 'word') return text.match(/\s*\S+/g) ?? [];
  if (level === 'syllable') return [...text];
  return tokensOf(text).map((token) => token.text);
}

/** Causal rows that sum to one; "it" looks at "animal" in layer 4, head 3. */
export function attend(text, level) {
  const pieces = piecesOf(text, level).slice(0, 200);
  const bare = pieces.map((piece) => piece.replace(/[^\p{L}]/gu, '').toLowerCase());
  const weights = [];
  for (let layer = 0; layer < LAYERS; layer += 1) {
    weights.push([]);
    for (let head = 0; head < HEADS; head += 1) {
      const next = random(1 + layer * 97 + head * 13);
      weights[layer].push(
        pieces.map((_, query) => {
          const row = pieces.map((_, key) => {
            if (key > query) return 0;
            const near = Math.exp(-Math.abs(query - key - (head % 4)) * (0.4 + next()));
            const sink = key === 0 ? 1.2 : 0;
            const linked = layer === 3 && head === 2 && /^(it|그것이)$/.test(bare[query]) && /^(animal|동물이)$/.test(bare[key]);
            return near * next() + sink + (linked ? 4 : 0);
          });
          const sum = row.reduce((a, b) => a + b, 0);
          return row.map((weight) => Math.round((weight / sum) * 1e5) / 1e5);
        }),
      );
    }
  }
  return { pieces, layers: LAYERS, heads: HEADS, weights };
}

/** Words with the space before them; long ones in two; rare syllables as their bytes. */
export function tokensOf(text) {
  const tokens = [];
  let byte = 0;
  const add = (piece, bytes) => {
    tokens.push({
      id: 300 + (((piece.codePointAt(0) ?? 0) * 31 + piece.length) % 15000),
      text: piece,
      start: byte,
      end: byte + bytes,
    });
    byte += bytes;
  };
  for (const word of text.match(/\s?[\p{L}\p{N}]+|\s?[^\p{L}\p{N}\s]|\s/gu) ?? []) {
    if (/[쀀-쀿뚤-뚿]/.test(word)) {
      for (const character of word) {
        const length = Buffer.byteLength(character);
        if (length === 3) {
          add('\ufffd', 1);
          add('\ufffd', 2);
        } else add(character, length);
      }
    } else if ([...word].length > 4) {
      const half = [...word].slice(0, 3).join('');
      add(half, Buffer.byteLength(half));
      add(word.slice(half.length), Buffer.byteLength(word.slice(half.length)));
    } else add(word, Buffer.byteLength(word));
  }
  return tokens;
}

export function tokenList(text) {
  return {
    tokens: tokensOf(text),
    bytes: Buffer.byteLength(text),
    characters: [...text].length,
    syllables: (text.match(/[\uac00-\ud7a3]/g) ?? []).length,
  };
}

export function nextWords(text, top) {
  const words = isKorean(text)
    ? ['서울', ' 서울', ' 어디', '이다', '부산', ' 한양', '입니다', ' 무엇', '.', ' 세계', ' 가장', ' 우리', ' 바로', '은', '도']
    : [
        ' Paris',
        ' the',
        ' a',
        ' located',
        ' one',
        ' not',
        ' in',
        ' called',
        ' Lyon',
        ' known',
        ' also',
        ' Mar',
        ' an',
        ' home',
        '\n',
      ];
  const candidates = [];
  for (let at = 0; at < top; at += 1) {
    const text = at < words.length ? words[at] : ` w${at}`;
    candidates.push({ id: 500 + at, text, logit: 14 - 2.2 * Math.log(1 + at) - (at > 0 ? 1.1 : 0) });
  }
  return { candidates, vocabulary: 16000 };
}

/** Words of one meaning lie together in both languages. */
export function wordMap() {
  const next = random(7);
  const points = [];
  for (const [at, word] of WORDS.en.entries()) {
    const angle = at * 2.4;
    const radius = Math.sqrt(at + 1);
    for (const [language, name] of [
      ['en', word],
      ['ko', WORDS.ko[at]],
    ]) {
      if (!name) continue;
      points.push({
        word: name,
        language,
        x: radius * Math.cos(angle) + next() * 0.9,
        y: radius * Math.sin(angle) + next() * 0.9,
      });
    }
  }
  return { points };
}
