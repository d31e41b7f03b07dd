// What the page knows for as long as it is open.
import type { Citation, Collection, Info, Passage } from '../api/types';
import { getJson } from '../api/client';
import { listCollections } from '../api/knowledge';
import { Store } from './store';

export const info = new Store<Info | null>(null);
export const collections = new Store<Collection[]>([]);

/** A screen reader is told this once, and politely. */
export const announcement = new Store('');

export interface OpenPassage {
  passage: Passage;
  citation?: Citation;
  collection: string;
  sentence?: string; // of the answer that cites it
  opener: HTMLElement | null; // gets the focus back
}
export const openPassage = new Store<OpenPassage | null>(null);

/** A text to be looked into, handed from another view. */
export const attentionText = new Store<{ text: string; word?: string } | null>(null);

export type Route = 'chat' | 'documents' | 'tools' | 'look' | 'resources';
export const ROUTES: Route[] = ['chat', 'documents', 'tools', 'look', 'resources'];

function readRoute(): { route: Route; part: string } {
  const [name, part = ''] = location.hash.replace(/^#\/?/, '').split('/');
  return { route: ROUTES.find((route) => route === name) ?? 'chat', part };
}

export const route = new Store(readRoute());

export function followLocation(): void {
  addEventListener('hashchange', () => route.set(readRoute()));
}

export function announce(text: string): void {
  announcement.set(''); // so that the same words are said again
  setTimeout(() => announcement.set(text), 60);
}

export async function loadInfo(): Promise<void> {
  info.set(await getJson<Info>('/api/info'));
}

export async function loadCollections(): Promise<void> {
  collections.set(await listCollections());
}
