// Markdown of answers as a tree of plain values; what it does not know, HTML above all, stays text.
import type { Inline, InlineOptions } from './inline';
import { parseInlines } from './inline';

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' };

const DEEPEST = 12; // lists and quotes within one another; deeper is text
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)/;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$/;

export function parseMarkdown(text: string, options: InlineOptions = {}): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\t/g, '    ').split('\n');
  return parseBlocks(lines, { ...options, met: new Map() }, 0);
}

interface Cursor {
  lines: string[];
  at: number;
}

type BlockReader = (cursor: Cursor, options: InlineOptions, depth: number) => Block | undefined;

function parseBlocks(lines: string[], options: InlineOptions, depth: number): Block[] {
  const readers: BlockReader[] = [readCode, readHeading, readRule, readTable];
  if (depth < DEEPEST) readers.push(readQuote, readList);
  const cursor: Cursor = { lines, at: 0 };
  const blocks: Block[] = [];
  while (cursor.at < lines.length) {
    if (lines[cursor.at]!.trim() === '') {
      cursor.at += 1;
      continue;
    }
    let block: Block | undefined;
    for (const reader of readers) {
      block = reader(cursor, options, depth);
      if (block) break;
    }
    blocks.push(block ?? readParagraph(cursor, options));
  }
  return blocks;
}

/** A fence that is not closed yet, as in a stream, reaches to the end. */
function readCode(cursor: Cursor): Block | undefined {
  const open = FENCE.exec(cursor.lines[cursor.at]!);
  if (!open) return undefined;
  const fence = open[1]!;
  const body: string[] = [];
  for (cursor.at += 1; cursor.at < cursor.lines.length; cursor.at += 1) {
    const line = cursor.lines[cursor.at]!.trim();
    if (line.length >= fence.length && line === fence[0]!.repeat(line.length)) {
      cursor.at += 1;
      break;
    }
    body.push(cursor.lines[cursor.at]!);
  }
  return { kind: 'code', language: open[2]!, text: body.join('\n') };
}

function readHeading(cursor: Cursor, options: InlineOptions): Block | undefined {
  const match = HEADING.exec(cursor.lines[cursor.at]!);
  if (!match) return undefined;
  cursor.at += 1;
  return { kind: 'heading', level: match[1]!.length, children: parseInlines(match[2]!, options) };
}

function readRule(cursor: Cursor): Block | undefined {
  if (!RULE.test(cursor.lines[cursor.at]!)) return undefined;
  cursor.at += 1;
  return { kind: 'rule' };
}

function readTable(cursor: Cursor, options: InlineOptions): Block | undefined {
  const head = cursor.lines[cursor.at]!;
  const rule = cursor.lines[cursor.at + 1];
  if (!head.includes('|') || rule === undefined || !TABLE_RULE.test(rule)) return undefined;
  const cells = (line: string) =>
    line
      .trim()
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => parseInlines(cell.trim(), options));
  const rows: Inline[][][] = [];
  for (cursor.at += 2; cursor.lines[cursor.at]?.includes('|'); cursor.at += 1) {
    rows.push(cells(cursor.lines[cursor.at]!));
  }
  return { kind: 'table', head: cells(head), rows };
}

function readQuote(cursor: Cursor, options: InlineOptions, depth: number): Block | undefined {
  if (!QUOTE.test(cursor.lines[cursor.at]!)) return undefined;
  const inner: string[] = [];
  while (cursor.at < cursor.lines.length && QUOTE.test(cursor.lines[cursor.at]!)) {
    inner.push(cursor.lines[cursor.at++]!.replace(QUOTE, ''));
  }
  return { kind: 'quote', blocks: parseBlocks(inner, options, depth + 1) };
}

function readList(cursor: Cursor, options: InlineOptions, depth: number): Block | undefined {
  const first = ITEM.exec(cursor.lines[cursor.at]!);
  if (!first) return undefined;
  const ordered = /\d/.test(first[2]!);
  const items: Block[][] = [];
  while (cursor.at < cursor.lines.length) {
    const item = ITEM.exec(cursor.lines[cursor.at]!);
    if (!item || /\d/.test(item[2]!) !== ordered || RULE.test(cursor.lines[cursor.at]!)) break;
    items.push(parseBlocks(readItem(cursor, item[0].length), options, depth + 1));
  }
  return { kind: 'list', ordered, start: ordered ? parseInt(first[2]!, 10) : 1, items };
}

/** Lines of one item without its indentation; the cursor stands behind it and blank lines. */
function readItem(cursor: Cursor, indent: number): string[] {
  const lines = [cursor.lines[cursor.at++]!.slice(indent)];
  while (cursor.at < cursor.lines.length) {
    const line = cursor.lines[cursor.at]!;
    const blank = line.trim() === '';
    const inside = line.length - line.trimStart().length >= Math.min(indent, 2);
    const lazy = !beginsBlock(line) && lines[lines.length - 1]!.trim() !== '';
    if (!blank && !inside && !lazy) break;
    lines.push(inside ? line.slice(Math.min(indent, line.length - line.trimStart().length)) : line);
    cursor.at += 1;
  }
  return lines;
}

function beginsBlock(line: string): boolean {
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

function readParagraph(cursor: Cursor, options: InlineOptions): Block {
  const lines = [cursor.lines[cursor.at++]!];
  while (cursor.at < cursor.lines.length) {
    const line = cursor.lines[cursor.at]!;
    if (line.trim() === '' || beginsBlock(line)) break;
    lines.push(line);
    cursor.at += 1;
  }
  return { kind: 'paragraph', children: parseInlines(lines.join('\n').trim(), options) };
}
