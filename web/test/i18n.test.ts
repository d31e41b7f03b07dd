import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, TEXTS } from '../src/i18n';
import { en } from '../src/i18n/en';
import { ko } from '../src/i18n/ko';

test('both languages have the same keys, none empty', () => {
  assert.deepEqual(Object.keys(ko).sort(), Object.keys(en).sort());
  for (const texts of Object.values(TEXTS)) {
    for (const [key, text] of Object.entries(texts)) assert.ok(text.trim(), key);
  }
});

test('both languages name the same values', () => {
  const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1]))].sort();
  for (const key of Object.keys(en) as (keyof typeof en)[]) assert.deepEqual(names(ko[key]), names(en[key]), key);
});

test('values and plurals', () => {
  assert.equal(fill('{n} {n|hit|hits} in {name}', { n: 1, name: 'a' }), '1 hit in a');
  assert.equal(fill('{n} {n|hit|hits}', { n: 2 }), '2 hits');
  assert.equal(fill('{missing}'), '{missing}');
});

test('every failure has words and a way on', async () => {
  const { failureWords } = await import('../src/i18n/failures');
  for (const kind of [
    'offline',
    'key',
    'forbidden',
    'missing',
    'too_long',
    'too_large',
    'busy',
    'moderation',
    'invalid',
    'server',
    'cut',
  ] as const) {
    const words = failureWords({ kind, message: '' });
    assert.ok(words.what && words.todo, kind);
  }
  assert.match(failureWords({ kind: 'busy', message: '', retryAfter: 7 }).todo, /7/);
});
