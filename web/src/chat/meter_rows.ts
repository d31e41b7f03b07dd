import type { JoulesSource, Resources } from '../api/types';
import { formatBytes, formatNumber, formatSeconds, translate } from '../i18n';

/** Joules with how they are known; an estimate is never shown without that word. */
export function readJoules(resources: Resources): { value: number | undefined; source: JoulesSource } {
  const { joules } = resources;
  const value = typeof joules === 'object' ? joules?.value : joules;
  const source = (typeof joules === 'object' ? joules?.source : undefined) ?? resources.joules_source ?? 'unknown';
  return { value: typeof value === 'number' && source !== 'unknown' ? value : undefined, source };
}

export function formatJoules(resources: Resources): string {
  const { value, source } = readJoules(resources);
  if (value === undefined) return translate('joules_unknown');
  return `${translate('joules', { n: formatNumber(value, value < 10 ? 2 : 0) })} (${translate(`joules_${source}`)})`;
}

export function formatCost(cost: NonNullable<Resources['cost']>): string {
  if (typeof cost === 'number') return formatNumber(cost, 6);
  return `${formatNumber(cost.value, 6)} ${cost.currency ?? ''}`.trim();
}

export function decodeSpeed(resources: Resources): number | undefined {
  const { completion_tokens: tokens, decode_seconds: seconds } = resources;
  return tokens && seconds ? tokens / seconds : undefined;
}

/** Name and value of everything that is known. */
export function meterRows(resources: Resources): [string, string][] {
  const rows: [string, string][] = [];
  const add = (name: string, value: number | undefined, format: (value: number) => string) => {
    if (typeof value === 'number') rows.push([name, format(value)]);
  };
  const number = (value: number) => formatNumber(value);
  add(translate('meter_prompt'), resources.prompt_tokens, number);
  add(translate('meter_cached'), resources.cached_tokens, number);
  add(translate('meter_completion'), resources.completion_tokens, number);
  add(translate('meter_syllables'), resources.syllables, number);
  add(translate('meter_prefill'), resources.prefill_seconds, formatSeconds);
  add(translate('meter_decode'), resources.decode_seconds, formatSeconds);
  add(translate('meter_retrieval'), resources.retrieval_seconds, formatSeconds);
  add(translate('meter_moderation'), resources.moderation_seconds, formatSeconds);
  add(translate('meter_syllable_speed'), resources.syllables_per_s, (value) => formatNumber(value, 1));
  add(translate('meter_memory'), resources.peak_memory_bytes, formatBytes);
  if (resources.joules !== undefined || resources.joules_source) rows.push([translate('meter_energy'), formatJoules(resources)]);
  const { value, source } = readJoules(resources);
  if (value !== undefined && resources.syllables) {
    const each = translate('joules', { n: formatNumber(value / resources.syllables, 3) });
    rows.push([translate('meter_energy_syllable'), `${each} (${translate(`joules_${source}`)})`]);
  }
  if (resources.cost !== undefined) rows.push([translate('meter_cost'), formatCost(resources.cost)]);
  return rows;
}
