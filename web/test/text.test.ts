import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureKind } from '../src/api/client';
import { findPiece, layerWeights, MEAN, strongestFarLink, strongestHead, strongestKey } from '../src/look/attention_math';
import { chooseLabels, fitPoints, nearestPoints, WHOLE, zoomWindow } from '../src/look/map_math';
import { turnsOf } from '../src/state/turns';
import { cellsOfTokens, unitsOfBytes } from '../src/text/bytes';
import { diffTexts } from '../src/text/diff';
import { locateQuote } from '../src/text/locate';
import { entropy, softmax } from '../src/text/softmax';

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} and ${b}`);

test('softmax: known values, temperature, extremes', () => {
  const [a, b] = softmax([Math.log(3), 0], 1);
  near(a!, 0.75);
  near(b!, 0.25);
  const [c, d] = softmax([Math.log(3), 0], 0.5); // squares: 9 to 1
  near(c!, 0.9);
  near(d!, 0.1);
  assert.deepEqual(softmax([1, 5, 5], 0), [0, 0.5, 0.5]);
  assert.deepEqual(softmax([], 1), []);
  const large = softmax([5000, 4999, -5000], 1);
  near(
    large.reduce((sum, p) => sum + p, 0),
    1,
  );
  const flat = softmax([3, 2, 1], 1e9);
  assert.ok(Math.abs(flat[0]! - 1 / 3) < 1e-6);
  near(entropy([0.5, 0.5]), 1);
  near(entropy([1, 0]), 0);
});

test('diff: both texts can be read from it', () => {
  const pairs = [
    ['그렇게 하면 되요.', '그렇게 하면 돼요.'],
    ['할수있다', '할 수 있다'],
    ['', 'new'],
    ['old', ''],
    ['the cat sat', 'the dog sat down'],
    ['같다', '같다'],
    ['a b c d e', 'e d c b a'],
  ];
  for (const [before, after] of pairs) {
    const parts = diffTexts(before!, after!);
    const side = (drop: string) =>
      parts
        .filter((part) => part.kind !== drop)
        .map((part) => part.text)
        .join('');
    assert.equal(side('added'), before);
    assert.equal(side('removed'), after);
  }
});

test('diff: changes are small', () => {
  assert.deepEqual(diffTexts('하면 되요.', '하면 돼요.'), [
    { kind: 'same', text: '하면 ' },
    { kind: 'removed', text: '되' },
    { kind: 'added', text: '돼' },
    { kind: 'same', text: '요.' },
  ]);
  assert.deepEqual(diffTexts('the cat sat', 'the dog sat'), [
    { kind: 'same', text: 'the ' },
    { kind: 'removed', text: 'cat' },
    { kind: 'added', text: 'dog' },
    { kind: 'same', text: ' sat' },
  ]);
});

test('diff: random texts, both sides kept', () => {
  let state = 1;
  const next = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state % n;
  };
  const text = () => Array.from({ length: next(30) }, () => ['가', '나', ' ', 'a', 'b', '.', '😀'][next(7)]).join('');
  for (let round = 0; round < 300; round += 1) {
    const before = text();
    const after = text();
    const parts = diffTexts(before, after);
    assert.equal(
      parts
        .filter((part) => part.kind !== 'added')
        .map((part) => part.text)
        .join(''),
      before,
    );
    assert.equal(
      parts
        .filter((part) => part.kind !== 'removed')
        .map((part) => part.text)
        .join(''),
      after,
    );
  }
});

test('bytes to UTF-16, against a plain count', () => {
  const text = 'a가😀é끝';
  const bytes = new TextEncoder().encode(text);
  const offsets = Array.from({ length: bytes.length + 2 }, (_, at) => at);
  const units = unitsOfBytes(text, offsets);
  let unit = 0;
  let byte = 0;
  for (const character of text) {
    const length = new TextEncoder().encode(character).length;
    for (let at = byte; at < byte + length; at += 1) assert.equal(units[at], unit);
    byte += length;
    unit += character.length;
  }
  assert.equal(units[bytes.length], text.length);
  assert.deepEqual(unitsOfBytes(text, [4, 1, 0]), [2, 1, 0]);
});

test('tokens over characters: parts of a character fill it', () => {
  const text = '가나 b';
  const tokens = [
    { start: 0, end: 1 },
    { start: 1, end: 6 },
    { start: 6, end: 8 },
  ];
  const cells = cellsOfTokens(text, tokens);
  assert.equal(cells.length, 4);
  assert.deepEqual(
    cells[0]!.parts.map((part) => [part.token, part.begins, part.ends]),
    [
      [0, true, true],
      [1, true, false],
    ],
  );
  assert.deepEqual(cells[1]!.parts, [{ token: 1, from: 0, to: 1, begins: false, ends: true }]);
  for (const cell of cells)
    near(
      cell.parts.reduce((sum, part) => sum + part.to - part.from, 0),
      1,
    );
});

test('a quote is found also when white space differs', () => {
  const passage = { id: 1, source: 'a', text: '첫 줄.\n둘째 줄은 (이것)이다. 끝' };
  assert.deepEqual(locateQuote(passage, { quote: '둘째 줄은 (이것)이다.' }), [5, 18]);
  assert.deepEqual(locateQuote(passage, { quote: '첫 줄. 둘째' }), [0, 7]);
  assert.equal(locateQuote(passage, { quote: '없는 말' }), undefined);
  assert.equal(locateQuote(passage, { quote: ' ' }), undefined);
});

test('attention: mean, strongest head, strongest key', () => {
  const map = {
    pieces: ['The', ' animal', ' it'],
    layers: 2,
    heads: 2,
    weights: [
      [
        [[1], [0.5, 0.5], [0.6, 0.2, 0.2]],
        [[1], [0.5, 0.5], [0.2, 0.4, 0.4]],
      ],
      [
        [[1], [0.5, 0.5], [0.1, 0.8, 0.1]],
        [[1], [0.5, 0.5], [0.9, 0.05, 0.05]],
      ],
    ],
  };
  near(layerWeights(map, 0, MEAN)[2]![1]!, 0.3);
  assert.deepEqual(strongestHead(map, 2, 1), { layer: 1, head: 0 });
  assert.equal(strongestKey(layerWeights(map, 0, 0), 2, true), 1);
  assert.equal(strongestKey(layerWeights(map, 0, 0), 2, false), 0);
  assert.equal(strongestFarLink(map, 2), undefined);
  const wide = {
    pieces: ['a', 'b', 'c', 'd'],
    layers: 1,
    heads: 2,
    weights: [
      [[], [], [], [0.6, 0.1, 0.3, 0]],
      [[], [], [], [0.5, 0.4, 0, 0.1]],
    ].map((head) => head),
  };
  assert.deepEqual(strongestFarLink({ ...wide, weights: [wide.weights as number[][][]] }, 3), { layer: 0, head: 1, key: 1 });
  assert.equal(findPiece(map.pieces, 'IT'), 2);
  assert.equal(findPiece(map.pieces, 'dog'), -1);
});

test('map: points fit, neighbours, labels do not cover each other, zoom stays within', () => {
  const points = fitPoints(
    Array.from({ length: 300 }, (_, at) => ({ word: `w${at}`, language: 'en', x: (at * 37) % 101, y: (at * 61) % 89 })),
  );
  for (const point of points) assert.ok(point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1);
  assert.equal(nearestPoints(points, 0, 5).length, 5);
  assert.ok(!nearestPoints(points, 0, 5).includes(0));
  const labels = chooseLabels(points, WHOLE, [7], { width: 0.08, height: 0.03 });
  assert.ok(labels.includes(7) && labels.length < 300 && new Set(labels).size === labels.length);
  assert.deepEqual(zoomWindow(WHOLE, 0.5), WHOLE);
  assert.equal(zoomWindow(WHOLE, 2).size, 0.5);
});

test('statuses and codes become kinds', () => {
  assert.equal(failureKind(401, ''), 'key');
  assert.equal(failureKind(429, ''), 'busy');
  assert.equal(failureKind(400, 'context_length_exceeded'), 'too_long');
  assert.equal(failureKind(400, 'content_filter'), 'moderation');
  assert.equal(failureKind(502, ''), 'server');
  assert.equal(failureKind(418, ''), 'invalid');
});

test('turns alternate whatever has failed', () => {
  const message = (role: 'user' | 'assistant', text: string, state: 'done' | 'failed' | 'stopped' = 'done') => ({
    id: text,
    role,
    text,
    state,
  });
  const turns = turnsOf([
    message('user', 'a'),
    message('assistant', 'A'),
    message('user', 'b'),
    message('assistant', '', 'failed'),
    message('user', 'c'),
    message('assistant', 'half', 'stopped'),
    message('user', 'd'),
    message('assistant', '', 'stopped'),
    message('user', 'e'),
  ]);
  assert.deepEqual(
    turns.map((turn) => turn.content),
    ['a', 'A', 'c', 'half', 'e'],
  );
});
