/** Probabilities of logits at a temperature, among these logits alone; at 0 the largest takes all. */
export function softmax(logits: number[], temperature: number): number[] {
  if (logits.length === 0) return [];
  const most = Math.max(...logits);
  if (temperature <= 0) {
    const ties = logits.filter((logit) => logit === most).length;
    return logits.map((logit) => (logit === most ? 1 / ties : 0));
  }
  const weights = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** In bits. */
export function entropy(probabilities: number[]): number {
  return probabilities.reduce((sum, p) => (p > 0 ? sum - p * Math.log2(p) : sum), 0);
}
