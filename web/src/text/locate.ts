import type { Citation, Passage } from '../api/types';

/** Where a citation's quote stands in its passage, in UTF-16 units; white space may differ. */
export function locateQuote(passage: Passage, citation: Pick<Citation, 'quote'>): [number, number] | undefined {
  const quote = citation.quote.trim();
  if (!quote) return undefined;
  const exact = passage.text.indexOf(quote);
  if (exact >= 0) return [exact, exact + quote.length];
  const pattern = quote
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('\\s+');
  const match = new RegExp(pattern, 'u').exec(passage.text);
  return match ? [match.index, match.index + match[0].length] : undefined;
}
