import type { AttentionMap } from '../api/types';

export const MEAN = -1; // instead of a head: all of them

/** [query][key] of one head of a layer, or the mean of its heads. */
export function layerWeights(map: AttentionMap, layer: number, head: number): number[][] {
  const heads = map.weights[layer] ?? [];
  if (head !== MEAN) return heads[head] ?? [];
  const first = heads[0] ?? [];
  return first.map((row, query) =>
    row.map((_, key) => heads.reduce((sum, matrix) => sum + (matrix[query]?.[key] ?? 0), 0) / heads.length),
  );
}

export function pairWeight(map: AttentionMap, layer: number, head: number, query: number, key: number): number {
  return map.weights[layer]?.[head]?.[query]?.[key] ?? 0;
}

/** The head that links a pair most. */
export function strongestHead(map: AttentionMap, query: number, key: number): { layer: number; head: number } {
  let best = { layer: 0, head: 0, weight: -1 };
  for (let layer = 0; layer < map.layers; layer += 1) {
    for (let head = 0; head < map.heads; head += 1) {
      const weight = pairWeight(map, layer, head, query, key);
      if (weight > best.weight) best = { layer, head, weight };
    }
  }
  return { layer: best.layer, head: best.head };
}

/** Over all heads, to a piece that is neither the first, nor the query, nor beside it. */
export function strongestFarLink(map: AttentionMap, query: number): { layer: number; head: number; key: number } | undefined {
  let best: { layer: number; head: number; key: number } | undefined;
  let most = 0;
  for (let key = 1; key < query - 1; key += 1) {
    const { layer, head } = strongestHead(map, query, key);
    const weight = pairWeight(map, layer, head, query, key);
    if (weight > most) {
      most = weight;
      best = { layer, head, key };
    }
  }
  return best;
}

/** What the pieces say when white space and punctuation are left out: for finding a word again. */
export function findPiece(pieces: string[], word: string): number {
  const bare = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();
  for (let at = pieces.length - 1; at >= 0; at -= 1) {
    if (bare(pieces[at]!) === bare(word)) return at;
  }
  return -1;
}

/** The piece that `query` looks at most, itself and (when hidden) the first one left out. */
export function strongestKey(weights: number[][], query: number, hideFirst: boolean): number {
  let best = -1;
  (weights[query] ?? []).forEach((weight, key) => {
    if (key === query || (hideFirst && key === 0) || weight <= 0) return;
    if (best < 0 || weight > (weights[query]![best] ?? 0)) best = key;
  });
  return best;
}
