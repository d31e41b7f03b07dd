// Inline Markdown: emphasis, code, links, citations "[n]", and marks laid over the text.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'emphasis' | 'deleted'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] }
  | { kind: 'citation'; id: number; occurrence: number } // 0: its number is met the first time
  | { kind: 'mark'; index: number; children: Inline[] }
  | { kind: 'break' };

export interface InlineOptions {
  /** Numbers in brackets that are citations. */
  citations?: ReadonlySet<number>;
  /** How often each has been met, over all blocks of a text. */
  met?: Map<number, number>;
}

const DEEPEST = 16; // emphasis within emphasis
const SAFE_LINK = /^(https?:\/\/|mailto:)[^\s<>"]+$/i;
const BARE_LINK = /^https?:\/\/[^\s<>"'`()[\]{}|\\^]+/i;
const DELIMITERS: [string, 'strong' | 'emphasis' | 'deleted'][] = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'deleted'],
  ['*', 'emphasis'],
  ['_', 'emphasis'],
];

export function parseInlines(text: string, options: InlineOptions): Inline[] {
  return new InlineParser(text, options).parse(0, text.length, 0);
}

/** A link that a reader may follow: no scripts, no data, nothing relative. */
export function safeLink(href: string): string | undefined {
  return SAFE_LINK.test(href) && !/[\u0000-\u0020\u007f]/.test(href) ? href : undefined;
}

interface Found {
  node: Inline;
  end: number;
}

class InlineParser {
  private readonly text: string;
  private readonly options: InlineOptions;
  /** From here on a closing delimiter was looked for in vain: keeps the work linear. */
  private readonly missing = new Map<string, number>();

  constructor(text: string, options: InlineOptions) {
    this.text = text;
    this.options = options;
  }

  parse(begin: number, end: number, depth: number): Inline[] {
    const nodes: Inline[] = [];
    let plain = '';
    const flush = () => {
      if (plain) nodes.push({ kind: 'text', text: plain });
      plain = '';
    };
    let at = begin;
    while (at < end) {
      const escaped = this.escaped(at, end);
      const found = escaped === undefined ? this.find(at, end, depth) : undefined;
      if (found) {
        // A citation stays with the word that it stands behind.
        if (found.node.kind === 'citation') plain = plain.replace(/ +$/, '') + '\u2060';
        flush();
        nodes.push(found.node);
        at = found.end;
      } else if (escaped !== undefined) {
        plain += escaped;
        at += 2;
      } else {
        plain += this.text[at];
        at += 1;
      }
    }
    flush();
    return nodes;
  }

  private escaped(at: number, end: number): string | undefined {
    if (this.text[at] !== '\\' || at + 1 >= end) return undefined;
    const next = this.text[at + 1]!;
    return /[\\`*_{}[\]()#+\-.!|>~]/.test(next) ? next : undefined;
  }

  private find(at: number, end: number, depth: number): Found | undefined {
    switch (this.text[at]) {
      case '\n':
        return { node: { kind: 'break' }, end: at + 1 };
      case '`':
        return this.code(at, end);
      case '!':
        return this.text[at + 1] === '[' ? this.link(at + 1, end, depth) : undefined; // no images: only a link
      case '[':
        return this.citation(at, end) ?? this.link(at, end, depth);
      case '*':
      case '_':
      case '~':
        return this.emphasis(at, end, depth);
      case 'h':
      case 'H':
        return this.bareLink(at, end);
      default:
        return undefined;
    }
  }

  private close(delimiter: string, from: number, end: number): number {
    const vain = this.missing.get(delimiter);
    if (vain !== undefined && from >= vain) return -1;
    const at = this.text.indexOf(delimiter, from);
    if (at < 0) this.missing.set(delimiter, from);
    return at < 0 || at + delimiter.length > end ? -1 : at;
  }

  private code(at: number, end: number): Found | undefined {
    const ticks = /^`+/.exec(this.text.slice(at, Math.min(end, at + 8)))![0];
    const close = this.close(ticks, at + ticks.length, end);
    if (close < 0) return undefined;
    const text = this.text.slice(at + ticks.length, close).replace(/\n/g, ' ');
    return { node: { kind: 'code', text: /^ .* $/.test(text) ? text.slice(1, -1) : text }, end: close + ticks.length };
  }

  private citation(at: number, end: number): Found | undefined {
    const match = /^\[(\d{1,6})\]/.exec(this.text.slice(at, Math.min(end, at + 8)));
    const id = Number(match?.[1]);
    if (!match || !this.options.citations?.has(id)) return undefined;
    const occurrence = this.options.met?.get(id) ?? 0;
    this.options.met?.set(id, occurrence + 1);
    return { node: { kind: 'citation', id, occurrence }, end: at + match[0].length };
  }

  private link(at: number, end: number, depth: number): Found | undefined {
    const middle = this.close('](', at + 1, end);
    if (middle < 0 || depth >= DEEPEST || this.text.slice(at + 1, middle).includes('\n\n')) return undefined;
    const close = this.close(')', middle + 2, end);
    if (close < 0) return undefined;
    const href = safeLink(
      this.text
        .slice(middle + 2, close)
        .trim()
        .replace(/\s+"[^"]*"$/, ''),
    );
    if (!href) return undefined;
    const children = this.parse(at + 1, middle, DEEPEST); // no links within links
    return { node: { kind: 'link', href, children }, end: close + 1 };
  }

  private bareLink(at: number, end: number): Found | undefined {
    if (at > 0 && /[\p{L}\p{N}/]/u.test(this.text[at - 1]!)) return undefined;
    const match = BARE_LINK.exec(this.text.slice(at, Math.min(end, at + 2000)));
    const href = match && safeLink(match[0].replace(/[.,;:!?]+$/, ''));
    if (!href) return undefined;
    return { node: { kind: 'link', href, children: [{ kind: 'text', text: href }] }, end: at + href.length };
  }

  private emphasis(at: number, end: number, depth: number): Found | undefined {
    if (depth >= DEEPEST) return undefined;
    for (const [delimiter, kind] of DELIMITERS) {
      if (!this.text.startsWith(delimiter, at)) continue;
      const inner = at + delimiter.length;
      if (/\s/.test(this.text[inner] ?? ' ')) continue;
      if (delimiter[0] === '_' && /[\p{L}\p{N}]/u.test(this.text[at - 1] ?? ' ')) continue;
      const close = this.emphasisEnd(delimiter, inner, end);
      if (close < 0) continue;
      return { node: { kind, children: this.parse(inner, close, depth + 1) }, end: close + delimiter.length };
    }
    return undefined;
  }

  /** A closing delimiter stands behind a character; a single one is no part of a double one. */
  private emphasisEnd(delimiter: string, from: number, end: number): number {
    for (let tries = 0, at = from; tries < 8; tries += 1) {
      const close = this.close(delimiter, at, end);
      if (close < 0) return -1;
      const doubled = delimiter.length === 1 && this.text[close + 1] === delimiter;
      const wordAfter = delimiter[0] === '_' && /[\p{L}\p{N}]/u.test(this.text[close + delimiter.length] ?? ' ');
      if (close > from && !/\s/.test(this.text[close - 1]!) && !doubled && !wordAfter) return close;
      at = close + (doubled ? 2 : delimiter.length);
    }
    return -1;
  }
}
