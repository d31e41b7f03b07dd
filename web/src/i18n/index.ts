import { getSettings, settings } from '../state/settings';
import { useStore } from '../state/store';
import { en } from './en';
import { ko } from './ko';

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;

export const TEXTS: Record<'en' | 'ko', Record<Key, string>> = { en, ko };

/** Puts values in for {names}; "{n|passage|passages}" chooses by the number n. */
export function fill(text: string, values: Values = {}): string {
  return text
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_, name: string, one: string, many: string) =>
      Number(values[name]) === 1 ? one : many,
    )
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function translate(key: Key, values?: Values): string {
  return fill(TEXTS[getSettings().language][key], values);
}

/** The component is drawn again when the language changes. */
export function useText(): (key: Key, values?: Values) => string {
  useStore(settings);
  return translate;
}

export function formatNumber(value: number, digits = 0): string {
  return new Intl.NumberFormat(getSettings().language, { maximumFractionDigits: digits }).format(value);
}

export function formatSeconds(seconds: number): string {
  if (seconds < 1) return translate('unit_ms', { n: formatNumber(seconds * 1000, seconds < 0.01 ? 1 : 0) });
  return translate('unit_s', { n: formatNumber(seconds, seconds < 10 ? 2 : 1) });
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${formatNumber(bytes, bytes < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

export function formatPercent(share: number, digits = 0): string {
  return new Intl.NumberFormat(getSettings().language, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(share);
}
