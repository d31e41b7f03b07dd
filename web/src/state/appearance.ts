import type { Theme } from './settings';

const query = () => matchMedia('(prefers-color-scheme: dark)');

export function isDark(theme: Theme): boolean {
  return theme === 'system' ? query().matches : theme === 'dark';
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = isDark(theme) ? 'dark' : 'light';
}

/** Calls when the system changes its mind; gives the way to end that. */
export function followSystem(changed: () => void): () => void {
  const followed = query();
  followed.addEventListener('change', changed);
  return () => followed.removeEventListener('change', changed);
}
