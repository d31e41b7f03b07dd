import type { Collection, DocumentEntry, Passage, UploadEvent } from './types';
import { ApiError, authorization, errorFrom, getJson, request } from './client';
import { parseJson, SseParser } from './sse';

const folder = (collection: string) => `/api/collections/${encodeURIComponent(collection)}`;

/** Servers may wrap a list in an object. */
function listOf<T>(value: unknown, name: string): T[] {
  if (Array.isArray(value)) return value as T[];
  const inner = (value as Record<string, unknown> | null)?.[name];
  return Array.isArray(inner) ? (inner as T[]) : [];
}

export async function listCollections(): Promise<Collection[]> {
  const list = listOf<Collection | string>(await getJson('/api/collections'), 'collections');
  return list.map((entry) => (typeof entry === 'string' ? { name: entry } : entry));
}

export async function listDocuments(collection: string): Promise<DocumentEntry[]> {
  return listOf<DocumentEntry>(await getJson(`${folder(collection)}/documents`), 'documents');
}

export async function removeDocument(collection: string, id: DocumentEntry['id']): Promise<void> {
  await request(`${folder(collection)}/documents/${encodeURIComponent(String(id))}`, { method: 'DELETE' });
}

export function getPassage(collection: string, id: Passage['id']): Promise<Passage> {
  return getJson(`${folder(collection)}/passages/${encodeURIComponent(String(id))}`);
}

export interface UploadHandlers {
  onSent: (sentBytes: number, totalBytes: number) => void;
  onEvent: (event: UploadEvent) => void;
}

/** XMLHttpRequest, since fetch does not tell how much of a body has been sent. */
export function uploadDocuments(collection: string, files: File[], handlers: UploadHandlers, signal: AbortSignal): Promise<void> {
  const form = new FormData();
  for (const file of files) form.append('file', file, file.name);
  const call = new XMLHttpRequest();
  call.open('POST', `${folder(collection)}/documents`);
  for (const [name, value] of Object.entries(authorization())) call.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    const parser = new SseParser();
    let seen = 0;
    const take = (events: string[]) => {
      for (const data of events) {
        const event = parseJson<UploadEvent>(data);
        if (event?.type) handlers.onEvent(event);
      }
    };
    const read = () => {
      if (call.status < 200 || call.status > 299) return;
      const text = call.responseText;
      take(parser.push(text.slice(seen)));
      seen = text.length;
    };
    call.upload.onprogress = (event) => handlers.onSent(event.loaded, event.total);
    call.onprogress = read;
    call.onerror = () => reject(new ApiError('offline', 'the connection broke'));
    call.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    call.onload = () => {
      if (call.status < 200 || call.status > 299) {
        reject(errorFrom(call.status, call.responseText, call.getResponseHeader('Retry-After')));
        return;
      }
      read();
      take(parser.end());
      resolve();
    };
    signal.addEventListener('abort', () => call.abort());
    call.send(form);
  });
}
