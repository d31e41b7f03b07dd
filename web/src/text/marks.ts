// Moderation's spans over a rendered answer. They are carried through the Markdown parser as
// characters for private use, which a text from outside does not get to contain.
import type { ModerationMark } from '../api/types';
import type { Block } from './markdown';
import type { Inline } from './inline';
import { unitsOfBytes } from './bytes';

const OPEN = '\uE000'; // followed by a character that is the mark's number
const CLOSE = '\uE001';
const FIRST_NUMBER = 0xe100;
const MOST_MARKS = 1000;

export interface TextSpan {
  start: number; // UTF-16
  end: number;
  index: number; // of the mark
}

/** Spans in order and without overlap, in UTF-16 units; the first mark of a place wins. */
export function markSpans(text: string, marks: readonly ModerationMark[]): TextSpan[] {
  const spans = marks.slice(0, MOST_MARKS).flatMap((mark, index) => mark.spans.map(([start, end]) => ({ start, end, index })));
  const units = unitsOfBytes(
    text,
    spans.flatMap((span) => [span.start, span.end]),
  );
  const sorted = spans
    .map((span, at) => ({ index: span.index, start: units[2 * at]!, end: units[2 * at + 1]! }))
    .sort((a, b) => a.start - b.start);
  let reached = 0;
  return sorted.flatMap((span) => {
    const start = Math.max(span.start, reached);
    if (span.end <= start) return [];
    reached = span.end;
    return [{ ...span, start }];
  });
}

/** Same length as before, so that spans stay where they are. */
export function withoutPrivate(text: string): string {
  return text.replace(/[\uE000-\uF8FF]/g, '\uFFFD');
}

export function insertMarks(text: string, spans: readonly TextSpan[]): string {
  let result = '';
  let at = 0;
  for (const span of spans) {
    const start = Math.min(span.end, span.start + linePrefix(text, span.start));
    result += text.slice(at, start) + OPEN + String.fromCharCode(FIRST_NUMBER + span.index);
    result += text.slice(start, span.end) + CLOSE;
    at = span.end;
  }
  return result + text.slice(at);
}

/** What Markdown needs to find at the beginning of a line. */
function linePrefix(text: string, at: number): number {
  if (at > 0 && text[at - 1] !== '\n') return 0;
  return /^[ >]*(?:[-*+] +|\d{1,9}[.)] +|#{1,6} +)?/.exec(text.slice(at, at + 40))![0].length;
}

/** Turns the inserted characters into mark nodes; a span may reach over emphasis and blocks. */
export function applyMarks(blocks: Block[]): Block[] {
  return new MarkPass().blocks(blocks);
}

class MarkPass {
  private open = -1;

  blocks(blocks: Block[]): Block[] {
    return blocks.map((block) => this.block(block));
  }

  private block(block: Block): Block {
    switch (block.kind) {
      case 'paragraph':
      case 'heading':
        return { ...block, children: this.inlines(block.children) };
      case 'quote':
        return { ...block, blocks: this.blocks(block.blocks) };
      case 'list':
        return { ...block, items: block.items.map((item) => this.blocks(item)) };
      case 'table':
        return {
          ...block,
          head: block.head.map((cell) => this.inlines(cell)),
          rows: block.rows.map((row) => row.map((cell) => this.inlines(cell))),
        };
      case 'code':
        return { ...block, language: this.plain(block.language), text: this.plain(block.text) };
      case 'rule':
        return block;
    }
  }

  private inlines(nodes: Inline[]): Inline[] {
    return nodes.flatMap((node): Inline[] => {
      if (node.kind === 'text') return this.text(node.text);
      if (node.kind === 'code') return [{ ...node, text: this.plain(node.text) }];
      if ('children' in node) return [{ ...node, children: this.inlines(node.children) }];
      return [node];
    });
  }

  private text(text: string): Inline[] {
    return this.pieces(text).map(({ text: piece, index }) =>
      index < 0 ? { kind: 'text', text: piece } : { kind: 'mark', index, children: [{ kind: 'text', text: piece }] },
    );
  }

  private plain(text: string): string {
    return this.pieces(text)
      .map((piece) => piece.text)
      .join('');
  }

  private pieces(text: string): { text: string; index: number }[] {
    const pieces: { text: string; index: number }[] = [];
    for (const part of text.split(/(\uE000[\uE100-\uF8FF]?|\uE001)/)) {
      if (part[0] === OPEN) this.open = part.length > 1 ? part.charCodeAt(1) - FIRST_NUMBER : -1;
      else if (part === CLOSE) this.open = -1;
      else if (part) pieces.push({ text: part, index: this.open });
    }
    return pieces;
  }
}
