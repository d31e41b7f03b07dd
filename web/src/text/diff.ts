export interface DiffPart {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** Differences of two texts by words, within changed words by characters. */
export function diffTexts(before: string, after: string): DiffPart[] {
  const parts = diffPieces(splitWords(before), splitWords(after));
  return joinParts(refine(parts));
}

export function splitWords(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu) ?? [];
}

const MOST_CELLS = 4_000_000; // of the table below: beyond, the middle is one change

/** By the longest common subsequence; equal beginnings and ends are taken off first. */
function diffPieces(a: string[], b: string[]): DiffPart[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const same = (text: string): DiffPart => ({ kind: 'same', text });
  return [
    ...a.slice(0, head).map(same),
    ...diffMiddle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

function diffMiddle(a: string[], b: string[]): DiffPart[] {
  const removed = (text: string): DiffPart => ({ kind: 'removed', text });
  const added = (text: string): DiffPart => ({ kind: 'added', text });
  if (a.length === 0 || b.length === 0 || a.length * b.length > MOST_CELLS) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width); // of a[i..] and b[j..]
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const parts: DiffPart[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      parts.push({ kind: 'same', text: a[i]! });
      i += 1;
      j += 1;
    } else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!) {
      parts.push(removed(a[i++]!));
    } else {
      parts.push(added(b[j++]!));
    }
  }
  return [...parts, ...a.slice(i).map(removed), ...b.slice(j).map(added)];
}

/** A stretch of changes becomes one removal and one addition, compared again by characters. */
function refine(parts: DiffPart[]): DiffPart[] {
  const result: DiffPart[] = [];
  let removed = '';
  let added = '';
  const flush = () => {
    if (removed && added && worthRefining(removed, added)) result.push(...diffPieces([...removed], [...added]));
    else {
      if (removed) result.push({ kind: 'removed', text: removed });
      if (added) result.push({ kind: 'added', text: added });
    }
    removed = '';
    added = '';
  };
  for (const part of parts) {
    if (part.kind === 'removed') removed += part.text;
    else if (part.kind === 'added') added += part.text;
    else {
      flush();
      result.push(part);
    }
  }
  flush();
  return result;
}

/** Single characters are shown only where most of the stretch stays. */
function worthRefining(removed: string, added: string): boolean {
  const shorter = Math.min([...removed].length, [...added].length);
  const kept = diffPieces([...removed], [...added]).filter((part) => part.kind === 'same').length;
  return kept * 2 >= shorter;
}

function joinParts(parts: DiffPart[]): DiffPart[] {
  const result: DiffPart[] = [];
  for (const part of parts) {
    const last = result[result.length - 1];
    if (last && last.kind === part.kind) last.text += part.text;
    else result.push({ ...part });
  }
  return result;
}
