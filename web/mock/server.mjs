// A server for development and tests that answers like Onmal, from made-up texts. Node's own modules only.
//   node mock/server.mjs [--port 8181] [--delay 40]      delay: milliseconds between pieces of a stream
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attend, nextWords, tokenList, wordMap } from './look.mjs';
import { CHAT, DOCUMENTS, GROUNDED, isKorean, LONG, MARKUP, RUDE, RUDE_WORDS } from './texts.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../dist');
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' };
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function sendJson(response, status, value, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

function sendError(response, status, message, code, headers) {
  sendJson(response, status, { error: { message, type: 'invalid_request_error', code, param: null } }, headers);
}

function openStream(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  return {
    send: (value) => response.write(`data: ${JSON.stringify(value)}\n\n`),
    end: () => response.end('data: [DONE]\n\n'),
    gone: () => response.destroyed || response.socket?.destroyed,
  };
}

async function readBody(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

async function readJson(request) {
  return JSON.parse((await readBody(request)).toString('utf8') || '{}');
}

/** About what a tokenizer would make of it. */
function piecesOf(text) {
  return text.match(/\s*[^\s]{1,6}/gu) ?? [];
}

function syllables(text) {
  return (text.match(/[\uac00-\ud7a3]/g) ?? []).length;
}

function resourcesOf(text) {
  const tokens = piecesOf(text).length;
  const seconds = tokens / 42;
  return {
    prompt_tokens: 38,
    cached_tokens: 20,
    completion_tokens: tokens,
    syllables: syllables(text),
    prefill_seconds: 0.21,
    decode_seconds: seconds,
    moderation_seconds: 0.012,
    joules: (seconds + 0.21) * 15,
    joules_source: 'estimated',
    peak_memory_bytes: 812_000_000,
    ...(syllables(text) ? { syllables_per_s: syllables(text) / seconds } : {}),
  };
}

function moderationOf(text) {
  const spans = [...text.matchAll(RUDE_WORDS)].map((match) => {
    const start = Buffer.byteLength(text.slice(0, match.index));
    return [start, start + Buffer.byteLength(match[0])];
  });
  return spans.length > 0 ? [{ category: 'insult', score: 0.83, action: 'mark', spans }] : [];
}

class Mock {
  constructor(delay) {
    this.delay = delay;
    this.collections = new Map([['handbook', structuredClone(DOCUMENTS)]]);
    this.nextId = 100;
  }

  async handle(request, response) {
    const url = new URL(request.url, 'http://mock');
    const path = decodeURIComponent(url.pathname);
    const key = `${request.method} ${path}`;
    const plain = {
      'GET /api/info': () => sendJson(response, 200, this.info()),
      'GET /api/collections': () =>
        sendJson(
          response,
          200,
          [...this.collections].map(([name, list]) => ({ name, documents: list.length })),
        ),
      'GET /api/words/map': () => sendJson(response, 200, wordMap()),
      'GET /api/resources': () => sendJson(response, 200, this.resources()),
      'GET /healthz': () => sendJson(response, 200, { status: 'ok' }),
    };
    const posted = {
      'POST /v1/chat/completions': (body) => this.chat(body, response),
      'POST /api/ask': (body) => this.ask(body, response),
      'POST /api/attend': (body) => sendJson(response, 200, attend(body.text, body.level)),
      'POST /api/tokens': (body) => sendJson(response, 200, tokenList(body.text)),
      'POST /api/next': (body) => sendJson(response, 200, nextWords(body.text, body.top ?? 50)),
      'POST /api/translate': (body) =>
        this.tool(
          response,
          body.to === 'ko' ? '회의는 내일 오전 열 시에 시작합니다.' : 'The meeting begins at ten tomorrow morning.',
        ),
      'POST /api/correct': (body) =>
        this.tool(
          response,
          body.text
            .replace(/되요/g, '돼요')
            .replace(/recieve/g, 'receive')
            .replace(/할수/g, '할 수'),
        ),
      'POST /api/summarize': (body) => this.tool(response, body.text.split(/(?<=[.!?])\s/)[0] ?? ''),
    };
    if (plain[key]) return plain[key]();
    if (posted[key]) return posted[key](await readJson(request));
    if (path.startsWith('/api/collections/')) return this.documents(request, response, path.split('/').slice(3));
    if (request.method === 'GET') return this.file(response, path);
    return sendError(response, 404, `no such endpoint: ${path}`, 'not_found');
  }

  info() {
    return {
      name: 'onmal-mock',
      version: '0.1.0',
      models: [
        { id: 'starter', kind: 'chat', context: 4096 },
        { id: 'larger', kind: 'chat', context: 8192 },
      ],
      features: { knowledge: true, moderation: true, attention: true },
      language: 'ko',
    };
  }

  resources() {
    return {
      total: {
        requests: 128,
        prompt_tokens: 48210,
        cached_tokens: 20110,
        completion_tokens: 19230,
        syllables: 30122,
        prefill_seconds: 182.4,
        decode_seconds: 611.2,
        retrieval_seconds: 9.4,
        moderation_seconds: 3.3,
        joules: { value: 12104, source: 'estimated' },
        peak_memory_bytes: 1_240_000_000,
        cost: { value: 0.0021, currency: 'EUR' },
      },
      since: Math.floor(Date.now() / 1000) - 86_400,
    };
  }

  async tool(response, result) {
    await sleep(this.delay * 5);
    sendJson(response, 200, { result, model: 'starter' });
  }

  async chat(body, response) {
    const asked = body.messages?.[body.messages.length - 1]?.content ?? '';
    if (/429/.test(asked))
      return sendError(response, 429, 'queue is full: 256 are waiting', 'rate_limit_exceeded', { 'Retry-After': '7' });
    if (/too long/.test(asked)) return sendError(response, 400, 'the prompt has 312 tokens too many', 'context_length_exceeded');
    const language = isKorean(asked) ? 'ko' : 'en';
    const text = /markup/.test(asked) ? MARKUP : (/long|길게/.test(asked) ? LONG : /rude|욕/.test(asked) ? RUDE : CHAT)[language];
    const stream = openStream(response);
    const chunk = (choices, more = {}) => ({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      model: 'starter',
      choices,
      ...more,
    });
    let sent = 0;
    for (const piece of this.cut(text)) {
      if (stream.gone()) return;
      if (/break off/.test(asked) && ++sent > 5) return response.destroy();
      stream.send(chunk([{ index: 0, delta: { content: piece }, finish_reason: null }]));
      await sleep(this.delay);
    }
    stream.send(chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]));
    const resources = resourcesOf(text);
    const usage = { prompt_tokens: resources.prompt_tokens, completion_tokens: resources.completion_tokens };
    stream.send(
      chunk([], { usage, onmal: { resources, moderation: moderationOf(text), prompt_moderation: moderationOf(asked) } }),
    );
    stream.end();
  }

  *cut(text) {
    const characters = [...text];
    for (let at = 0; at < characters.length; at += 4) yield characters.slice(at, at + 4).join('');
  }

  async ask(body, response) {
    const stream = openStream(response);
    const step = async (name, seconds, detail) => {
      stream.send({ type: 'step', step: name, state: 'begin' });
      await sleep(this.delay * 4);
      stream.send({ type: 'step', step: name, state: 'end', seconds, ...(detail ? { detail } : {}) });
    };
    const language = isKorean(body.question) ? 'ko' : 'en';
    const documents = this.collections.get(body.collection) ?? [];
    const passages = documents.flatMap((entry) =>
      entry.passages.map((passage) => ({ score: 9.1, source: entry.file, start: 0, end: 0, ...passage })),
    );
    passages.sort((a, b) => Number(isKorean(b.text) === (language === 'ko')) - Number(isKorean(a.text) === (language === 'ko')));
    await step('prompt', 0.002);
    await step('search', 0.031, { query: body.question.replace(/[?？]/g, ''), hits: passages.length });
    await step('passages', 0.004, { hits: passages.length });
    stream.send({ type: 'passages', passages });
    await step('context', 0.212, { tokens: 611 });
    stream.send({ type: 'step', step: 'answer', state: 'begin' });
    const sentences = /unknown|모르는/.test(body.question) ? [] : this.sentences(passages, language);
    const { text, citations } = this.write(sentences, passages, language);
    for (const piece of this.cut(text)) {
      if (stream.gone()) return;
      stream.send({ type: 'delta', text: piece });
      await sleep(this.delay);
    }
    stream.send({ type: 'step', step: 'answer', state: 'end', seconds: 1.42, detail: { tokens: piecesOf(text).length } });
    const resources = { ...resourcesOf(text), retrieval_seconds: 0.035 };
    stream.send({
      type: 'answer',
      text,
      model: 'starter',
      answered: sentences.length > 0,
      confidence: sentences.length > 0 ? 0.86 : 0.11,
      citations,
      moderation: [],
      resources,
    });
    stream.end();
  }

  /** The prepared ones, or the first sentence of what was uploaded. */
  sentences(passages, language) {
    const prepared = GROUNDED[language].filter((part) => passages.some((passage) => passage.id === part.passage));
    const first = passages[0];
    const quote = first?.text.match(/[^.!?\n]+[.!?]?/)?.[0];
    return prepared.length > 0 || !quote
      ? prepared
      : [{ text: quote.replace(/[.!?]$/, ''), quote, passage: first.id, supported: true }];
  }

  write(sentences, passages, language) {
    if (sentences.length === 0)
      return { text: language === 'ko' ? '문서에서 답을 찾지 못했습니다.' : 'The documents do not say.', citations: [] };
    let text = '';
    const citations = sentences.map((part) => {
      const id = passages.findIndex((passage) => passage.id === part.passage) + 1;
      const start = Buffer.byteLength(text);
      text += part.text;
      const end = Buffer.byteLength(text);
      text += ` [${id}]. `;
      const { source, page } = passages[id - 1];
      return {
        id,
        passage: part.passage,
        source,
        page,
        start: 0,
        end: 0,
        quote: part.quote,
        answer_start: start,
        answer_end: end,
        supported: part.supported,
      };
    });
    return { text: text.trim(), citations };
  }

  async documents(request, response, [name, kind, id]) {
    const list = this.collections.get(name) ?? [];
    if (kind === 'documents' && request.method === 'POST') return this.upload(request, response, name);
    if (!this.collections.has(name)) return sendError(response, 404, `no collection ${name}`, 'not_found');
    if (kind === 'documents' && request.method === 'GET') {
      return sendJson(
        response,
        200,
        list.map((entry) => ({ id: entry.id, file: entry.file, passages: entry.passages.length, characters: entry.characters })),
      );
    }
    if (kind === 'documents' && request.method === 'DELETE') {
      this.collections.set(
        name,
        list.filter((entry) => String(entry.id) !== id),
      );
      response.writeHead(204);
      return response.end();
    }
    const entry = list.find((candidate) => candidate.passages.some((passage) => String(passage.id) === id));
    const passage = entry?.passages.find((candidate) => String(candidate.id) === id);
    if (!passage) return sendError(response, 404, `no passage ${id}`, 'not_found');
    return sendJson(response, 200, { before: '', after: '', start: 0, end: 0, source: entry.file, ...passage });
  }

  async upload(request, response, name) {
    const boundary = /boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1];
    const body = (await readBody(request)).toString('latin1');
    const stream = openStream(response);
    for (const part of body.split(`--${boundary}`).slice(1, -1)) {
      const [head, ...rest] = part.split('\r\n\r\n');
      const file = Buffer.from(/filename="([^"]*)"/.exec(head)?.[1] ?? 'file', 'latin1').toString('utf8');
      const text = Buffer.from(rest.join('\r\n\r\n').replace(/\r\n$/, ''), 'latin1').toString('utf8');
      for (let done = 1; done <= 4; done += 1) {
        stream.send({ type: 'progress', file, done_bytes: (text.length * done) / 4, total_bytes: text.length });
        await sleep(this.delay * 4);
      }
      if (/\.(exe|bin)$/.test(file)) {
        stream.send({ type: 'refused', file, reason: 'no text can be read from this kind of file' });
        continue;
      }
      const entry = {
        id: this.nextId++,
        file,
        characters: [...text].length,
        passages: [{ id: this.nextId++, title: file, text: text.slice(0, 500) }],
      };
      this.collections.set(name, [...(this.collections.get(name) ?? []), entry]);
      stream.send({ type: 'document', id: entry.id, file, passages: 1, characters: entry.characters });
    }
    stream.end();
  }

  async file(response, path) {
    const name = normalize(path === '/' ? '/index.html' : path).replace(/^[/\\]+/, '');
    try {
      const bytes = await readFile(join(DIST, name));
      response.writeHead(200, { 'Content-Type': TYPES[name.split('.').pop()] ?? 'application/octet-stream' });
      response.end(bytes);
    } catch {
      sendError(response, 404, `no file ${name}`, 'not_found');
    }
  }
}

/** Gives {base, close}. */
export async function startMock({ port = 0, delay = 10 } = {}) {
  const mock = new Mock(delay);
  const server = createServer((request, response) => {
    mock.handle(request, response).catch((error) => {
      if (!response.headersSent) sendError(response, 500, String(error), 'server_error');
      else response.end();
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections?.();
      server.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const number = (name, otherwise) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
  };
  const { base } = await startMock({ port: number('--port', 8181), delay: number('--delay', 40) });
  console.log(base);
}
