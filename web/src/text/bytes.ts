// The server counts bytes of UTF-8, the page UTF-16 units.

/** UTF-16 index of each byte offset; an offset within a character gives the character's beginning. */
export function unitsOfBytes(text: string, offsets: number[]): number[] {
  const order = offsets.map((_, index) => index).sort((a, b) => offsets[a]! - offsets[b]!);
  const result = offsets.map(() => text.length);
  let next = 0;
  let byte = 0;
  let unit = 0;
  for (const character of text) {
    const after = byte + utf8Length(character);
    while (next < order.length && offsets[order[next]!]! < after) {
      result[order[next]!] = unit;
      next += 1;
    }
    byte = after;
    unit += character.length;
  }
  return result;
}

export function utf8Length(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

export interface CharacterCell {
  text: string;
  /** Parts of the character by token, as shares of its bytes. */
  parts: { token: number; from: number; to: number; begins: boolean; ends: boolean }[];
}

/** Characters with the tokens that cover their bytes. */
export function cellsOfTokens(text: string, tokens: { start: number; end: number }[]): CharacterCell[] {
  const cells: CharacterCell[] = [];
  let byte = 0;
  let first = 0;
  for (const character of text) {
    const length = utf8Length(character);
    const end = byte + length;
    while (first < tokens.length && tokens[first]!.end <= byte) first += 1;
    const parts: CharacterCell['parts'] = [];
    for (let at = first; at < tokens.length && tokens[at]!.start < end; at += 1) {
      const token = tokens[at]!;
      if (token.end <= token.start) continue;
      parts.push({
        token: at,
        from: (Math.max(token.start, byte) - byte) / length,
        to: (Math.min(token.end, end) - byte) / length,
        begins: token.start >= byte,
        ends: token.end <= end,
      });
    }
    cells.push({ text: character, parts });
    byte = end;
  }
  return cells;
}
