import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents, SseParser } from '../src/api/sse';

const STREAM =
  'data: {"a":1}\n\n: a comment\nevent: x\nid: 3\ndata: 첫 줄\ndata: 둘째 줄\r\n\r\ndata:가나다😀\r\rdata: [DONE]\n\n';
const EVENTS = ['{"a":1}', '첫 줄\n둘째 줄', '가나다😀', '[DONE]'];

test('a whole stream', () => {
  const parser = new SseParser();
  assert.deepEqual([...parser.push(STREAM), ...parser.end()], EVENTS);
});

test('cut at every byte, characters included, the events are the same', () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let size = 1; size <= bytes.length; size += 1) {
    const parser = new SseParser();
    const events: string[] = [];
    for (let at = 0; at < bytes.length; at += size) events.push(...parser.push(bytes.slice(at, at + size)));
    events.push(...parser.end());
    assert.deepEqual(events, EVENTS, `pieces of ${size} bytes`);
  }
});

test('\\r\\n cut in two is one end of line', () => {
  const parser = new SseParser();
  assert.deepEqual(parser.push('data: a\r'), []);
  assert.deepEqual(parser.push('\ndata: b\r'), []);
  assert.deepEqual(parser.push('\n\r\n'), ['a\nb']);
});

test('an event without a last blank line is not lost', () => {
  const parser = new SseParser();
  assert.deepEqual(parser.push('data: last'), []);
  assert.deepEqual(parser.end(), ['last']);
});

test('only one space after the colon belongs to the format', () => {
  assert.deepEqual(new SseParser().push('data:  x\n\ndata\n\n'), [' x']);
});

test('readEvents ends at [DONE] and passes over what is no JSON', async () => {
  const bytes = new TextEncoder().encode('data: {"n":1}\n\ndata: broken{\n\ndata: {"n":2}\n\ndata: [DONE]\n\ndata: {"n":3}\n\n');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  const numbers: number[] = [];
  for await (const event of readEvents<{ n: number }>(new Response(body))) numbers.push(event.n);
  assert.deepEqual(numbers, [1, 2]);
});
