import type { Citation, ModerationMark, Passage, Resources, StepDetail, StepName } from '../api/types';
import type { FailureKind } from '../api/client';
import { parseJson } from '../api/sse';
import { readStored, Store, writeStored } from './store';

export interface StepState {
  step: StepName;
  state: 'begin' | 'end';
  seconds?: number;
  detail?: StepDetail;
}

export interface Failure {
  kind: FailureKind;
  message: string;
  retryAfter?: number;
}

export interface Message {
  id: string;
  role: 'user' | 'assistant';
  text: string;
  state: 'writing' | 'done' | 'stopped' | 'failed';
  model?: string;
  cut?: boolean; // the limit of tokens ended it
  failure?: Failure;
  resources?: Resources;
  moderation?: ModerationMark[];
  // Of answers from documents:
  grounded?: boolean;
  collection?: string;
  steps?: StepState[];
  passages?: Passage[];
  citations?: Citation[];
  answered?: boolean;
  confidence?: number;
}

export interface Conversation {
  id: string;
  title: string;
  changed: number; // milliseconds since 1970
  collection: string | null; // answers come from these documents; null: from the model alone
  messages: Message[];
}

export interface Conversations {
  list: Conversation[]; // the newest first
  current: string;
  full: boolean; // the browser has no room for them
}

const NAME = 'onmal.conversations';
const MOST_CONVERSATIONS = 100;
const local = () => localStorage;

export function newId(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
}

function emptyConversation(collection: string | null): Conversation {
  return { id: newId(), title: '', changed: Date.now(), collection, messages: [] };
}

/** A page that was closed while an answer was written finds it stopped. */
function settle(message: Message): Message {
  return message.state === 'writing' ? { ...message, state: 'stopped' } : message;
}

function readList(): Conversation[] {
  const stored = parseJson<Conversation[]>(readStored(local, NAME) ?? '[]');
  return (Array.isArray(stored) ? stored : [])
    .filter((entry) => typeof entry?.id === 'string' && Array.isArray(entry.messages))
    .map((entry) => ({ ...entry, messages: entry.messages.map(settle) }));
}

function load(): Conversations {
  const list = readList();
  if (list.length === 0) list.push(emptyConversation(null));
  return { list, current: list[0]!.id, full: false };
}

export const conversations = new Store<Conversations>(load());

export function currentConversation(state = conversations.get()): Conversation {
  return state.list.find((entry) => entry.id === state.current) ?? state.list[0]!;
}

/** What another tab has kept is taken over, so that this one does not overwrite it; but not what is in work here. */
export function followOtherTabs(): void {
  addEventListener('storage', (event) => {
    if (event.key !== NAME) return;
    conversations.update((state) => {
      const mine = state.list.filter(
        (entry) => entry.id === state.current || entry.messages.some((message) => message.state === 'writing'),
      );
      const others = readList().filter((entry) => mine.every((own) => own.id !== entry.id));
      return { ...state, list: [...mine, ...others].sort((a, b) => b.changed - a.changed) };
    });
  });
}

/** Called when something has ended, not for each piece of a stream. */
export function saveConversations(): void {
  const worth = conversations.get().list.filter((entry) => entry.messages.length > 0);
  const fits = writeStored(local, NAME, worth.length > 0 ? JSON.stringify(worth) : null);
  if (fits === conversations.get().full) conversations.update((state) => ({ ...state, full: !fits }));
}

export function startConversation(collection: string | null): void {
  conversations.update((state) => {
    const kept = state.list.filter((entry) => entry.messages.length > 0).slice(0, MOST_CONVERSATIONS - 1);
    const created = emptyConversation(collection);
    return { ...state, list: [created, ...kept], current: created.id };
  });
}

export function openConversation(id: string): void {
  conversations.update((state) => ({ ...state, current: id }));
}

export function deleteConversation(id: string): void {
  conversations.update((state) => {
    const list = state.list.filter((entry) => entry.id !== id);
    if (list.length === 0) list.push(emptyConversation(null));
    return { ...state, list, current: state.current === id ? list[0]!.id : state.current };
  });
  saveConversations();
}

export function deleteAllConversations(): void {
  const created = emptyConversation(null);
  conversations.set({ list: [created], current: created.id, full: false });
  saveConversations();
}

export function changeConversation(id: string, change: (entry: Conversation) => Conversation): void {
  conversations.update((state) => ({
    ...state,
    list: state.list.map((entry) => (entry.id === id ? change(entry) : entry)),
  }));
}

export function changeMessage(conversation: string, id: string, change: (message: Message) => Message): void {
  changeConversation(conversation, (entry) => ({
    ...entry,
    messages: entry.messages.map((message) => (message.id === id ? change(message) : message)),
  }));
}

export function titleOf(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  const characters = [...line];
  return characters.length > 48 ? `${characters.slice(0, 47).join('')}…` : line;
}
