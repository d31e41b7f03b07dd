import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Inline } from '../src/text/inline';
import { safeLink } from '../src/text/inline';
import type { Block } from '../src/text/markdown';
import { parseMarkdown } from '../src/text/markdown';
import { applyMarks, insertMarks, markSpans, withoutPrivate } from '../src/text/marks';

const inlines = (text: string, citations?: Set<number>): Inline[] => {
  const [block] = parseMarkdown(text, citations ? { citations } : {});
  assert.equal(block?.kind, 'paragraph');
  return (block as Extract<Block, { kind: 'paragraph' }>).children;
};

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join('');
  if (value && typeof value === 'object') {
    const node = value as { kind?: string; text?: string };
    if (typeof node.text === 'string') return node.text;
    return Object.values(value).map(textOf).join('');
  }
  return '';
}

function linksOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(linksOf);
  if (value && typeof value === 'object') {
    const own = (value as { href?: string }).href;
    return [...(own ? [own] : []), ...Object.values(value).flatMap(linksOf)];
  }
  return [];
}

test('blocks', () => {
  const blocks = parseMarkdown(
    '# Title\n\ntext\nmore\n\n- a\n- b\n  - c\n\n3. x\n4. y\n\n> quote\n> - in it\n\n---\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n```js\nlet a = 1;\n\n<b>\n```\nend',
  );
  assert.deepEqual(
    blocks.map((block) => block.kind),
    ['heading', 'paragraph', 'list', 'list', 'quote', 'rule', 'table', 'code', 'paragraph'],
  );
  const list = blocks[2] as Extract<Block, { kind: 'list' }>;
  assert.equal(list.items.length, 2);
  assert.equal(list.items[1]![1]!.kind, 'list');
  const ordered = blocks[3] as Extract<Block, { kind: 'list' }>;
  assert.deepEqual([ordered.ordered, ordered.start, ordered.items.length], [true, 3, 2]);
  assert.deepEqual(blocks[7], { kind: 'code', language: 'js', text: 'let a = 1;\n\n<b>' });
  const table = blocks[6] as Extract<Block, { kind: 'table' }>;
  assert.deepEqual([table.head.length, table.rows.length], [2, 1]);
});

test('a fence that a stream has not closed yet is code', () => {
  assert.deepEqual(parseMarkdown('```py\nprint(1)'), [{ kind: 'code', language: 'py', text: 'print(1)' }]);
});

test('inline', () => {
  assert.deepEqual(inlines('**굵은** *기운* ~~뺀~~ `a*b*`'), [
    { kind: 'strong', children: [{ kind: 'text', text: '굵은' }] },
    { kind: 'text', text: ' ' },
    { kind: 'emphasis', children: [{ kind: 'text', text: '기운' }] },
    { kind: 'text', text: ' ' },
    { kind: 'deleted', children: [{ kind: 'text', text: '뺀' }] },
    { kind: 'text', text: ' ' },
    { kind: 'code', text: 'a*b*' },
  ]);
  assert.equal(textOf(inlines('2 * 3 * 4 and snake_case_name and \\*stars\\*')), '2 * 3 * 4 and snake_case_name and *stars*');
  assert.equal(inlines('snake_case_name').length, 1);
});

test('citations are numbers that exist, counted over blocks', () => {
  const known = new Set([1, 2]);
  assert.deepEqual(
    inlines('a [1] b [3] c [1][2]', known).filter((node) => node.kind === 'citation'),
    [
      { kind: 'citation', id: 1, occurrence: 0 },
      { kind: 'citation', id: 1, occurrence: 1 },
      { kind: 'citation', id: 2, occurrence: 0 },
    ],
  );
  const second = parseMarkdown('x [1]\n\ny [1]', { citations: known })[1] as Extract<Block, { kind: 'paragraph' }>;
  assert.deepEqual(second.children[1], { kind: 'citation', id: 1, occurrence: 1 });
  assert.deepEqual(inlines('a [1].', known)[0], { kind: 'text', text: 'a\u2060' });
  assert.equal(inlines('array[1]').length, 1);
});

test('nothing that runs gets through', () => {
  const attacks = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](java\tscript:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](vbscript:msgbox(1))',
    '[x](//evil.example)',
    '[x](/api/collections)',
    '![x](http://evil.example/pixel.png)',
    '[x](https://a.example/"onmouseover="alert(1))',
    '<a href="javascript:alert(1)">x</a>',
    '[<img src=x onerror=alert(1)>](https://ok.example)',
    '`<script>`',
    '```<script>\n</code><script>alert(1)</script>\n```',
  ];
  for (const attack of attacks) {
    const tree = parseMarkdown(attack);
    for (const href of linksOf(tree)) assert.match(href, /^(https?:\/\/|mailto:)[^\s"<>]+$/, attack);
    assert.ok(!JSON.stringify(tree).includes('"kind":"image"') && !JSON.stringify(tree).includes('"kind":"html"'));
  }
  assert.equal(textOf(parseMarkdown(attacks[0]!)), attacks[0]);
  for (const bad of ['javascript:1', ' javascript:1', 'data:x', 'file:///etc/passwd', '', 'https://a b', 'blob:x'])
    assert.equal(safeLink(bad), undefined);
  assert.equal(safeLink('https://example.org/a?b=c#d'), 'https://example.org/a?b=c#d');
});

test('hostile nesting and unclosed marks take little time', () => {
  const begin = performance.now();
  for (const text of [
    '*'.repeat(50000),
    '['.repeat(50000),
    '> '.repeat(20000),
    '`a'.repeat(20000),
    '- '.repeat(20000),
    '**a'.repeat(20000),
    '[a]('.repeat(20000),
    '_a '.repeat(20000),
  ]) {
    parseMarkdown(text);
  }
  assert.ok(performance.now() - begin < 10000, `${performance.now() - begin} ms`);
});

test('marks by bytes reach over emphasis, and code keeps its text', () => {
  const text = '나는 **정말** 나쁜 말';
  const bytes = (part: string) => new TextEncoder().encode(part).length;
  const start = bytes('나는 **');
  const end = bytes('나는 **정말** 나쁜');
  const marks = [{ category: 'insult', score: 0.9, spans: [[start, end] as [number, number]] }];
  const tree = applyMarks(parseMarkdown(insertMarks(text, markSpans(text, marks))));
  assert.equal(textOf(tree), '나는 정말 나쁜 말');
  const marked: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (value && typeof value === 'object') {
      if ((value as { kind?: string }).kind === 'mark') marked.push(textOf(value));
      else Object.values(value).forEach(walk);
    }
  };
  walk(tree);
  assert.deepEqual(marked, ['정말', ' 나쁜']);
  const list = '- bad\n- `x`';
  const spans = markSpans(list, [{ category: 'c', score: 1, spans: [[0, 10]] }]);
  assert.equal(parseMarkdown(insertMarks(list, spans))[0]!.kind, 'list');
  assert.equal(textOf(applyMarks(parseMarkdown(insertMarks(list, spans)))), 'badx');
});

test('private characters of a text cannot forge marks', () => {
  const text = 'a\uE000\uE100b\uE001';
  const safe = withoutPrivate(text);
  assert.equal(safe.length, text.length);
  assert.ok(!JSON.stringify(applyMarks(parseMarkdown(safe))).includes('"mark"'));
});
