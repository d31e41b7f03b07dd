import { parseJson } from '../api/sse';
import { readStored, Store, writeStored } from './store';

export type Language = 'ko' | 'en';
export type Theme = 'system' | 'light' | 'dark';

export interface Settings {
  language: Language;
  theme: Theme;
  model: string; // "": the server's own choice
  temperature: number;
  maxTokens: number;
  system: string;
  key: string; // this tab's session alone
}

const NAME = 'onmal.settings';
const KEY_NAME = 'onmal.key';
const local = () => localStorage;
const session = () => sessionStorage;

function preferredLanguage(): Language {
  return typeof navigator !== 'undefined' && /^ko\b/i.test(navigator.language) ? 'ko' : 'en';
}

function load(): Settings {
  const stored = parseJson<Partial<Settings>>(readStored(local, NAME) ?? '{}') ?? {};
  return {
    language: stored.language === 'ko' || stored.language === 'en' ? stored.language : preferredLanguage(),
    theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'system',
    model: typeof stored.model === 'string' ? stored.model : '',
    temperature: typeof stored.temperature === 'number' ? stored.temperature : 0.7,
    maxTokens: typeof stored.maxTokens === 'number' ? stored.maxTokens : 512,
    system: typeof stored.system === 'string' ? stored.system : '',
    key: readStored(session, KEY_NAME) ?? '',
  };
}

export const settings = new Store<Settings>(load());

export function getSettings(): Settings {
  return settings.get();
}

export function changeSettings(change: Partial<Settings>): void {
  settings.update((current) => ({ ...current, ...change }));
  const { key, ...rest } = settings.get();
  writeStored(local, NAME, JSON.stringify(rest));
  writeStored(session, KEY_NAME, key || null);
}
