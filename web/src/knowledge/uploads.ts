// Files on their way to the server; kept when the reader looks at another view meanwhile.
import { isAbort } from '../api/client';
import { uploadDocuments } from '../api/knowledge';
import type { UploadEvent } from '../api/types';
import { translate } from '../i18n';
import { failureWords } from '../i18n/failures';
import { newId } from '../state/conversations';
import { announce, loadCollections } from '../state/session';
import { Store } from '../state/store';
import { failureOf } from '../ui/use_task';

export interface Upload {
  id: string;
  file: string;
  state: 'sending' | 'reading' | 'added' | 'refused' | 'stopped';
  share: number; // of the current state's work
  passages?: number;
  reason?: string;
}

export const uploads = new Store<Upload[]>([]);
export const documentsChanged = new Store(0);
const controls = new Set<AbortController>();

export function stopUploads(): void {
  for (const control of controls) control.abort();
}

export async function addFiles(collection: string, files: File[]): Promise<void> {
  if (files.length === 0) return;
  const batch = files.map((file): Upload => ({ id: newId(), file: file.name, state: 'sending', share: 0 }));
  const mine = new Set(batch.map((entry) => entry.id));
  uploads.update((before) => [...batch, ...before.filter((entry) => entry.state === 'sending' || entry.state === 'reading')]);
  const change = (wanted: (entry: Upload) => boolean, how: Partial<Upload>) =>
    uploads.update((list) => list.map((entry) => (mine.has(entry.id) && wanted(entry) ? { ...entry, ...how } : entry)));
  const open = (entry: Upload) => entry.state === 'sending' || entry.state === 'reading';
  const control = new AbortController();
  controls.add(control);
  try {
    await uploadDocuments(
      collection,
      files,
      {
        onSent: (sent, total) => change((entry) => entry.state === 'sending', { share: total > 0 ? sent / total : 0 }),
        onEvent: (event) => {
          // Files of one name come in the order they were sent.
          const first = uploads.get().find((entry) => mine.has(entry.id) && open(entry) && entry.file === event.file);
          takeEvent(event, (how) => change((entry) => entry.id === first?.id, how));
        },
      },
      control.signal,
    );
    change(open, { state: 'refused', reason: failureWords({ kind: 'cut', message: '' }).what });
  } catch (error) {
    if (isAbort(error)) change(open, { state: 'stopped' });
    else change(open, { state: 'refused', reason: failureWords(failureOf(error)).what });
  } finally {
    controls.delete(control);
    finish(mine);
  }
}

function takeEvent(event: UploadEvent, change: (how: Partial<Upload>) => void): void {
  switch (event.type) {
    case 'progress':
      return change({ state: 'reading', share: event.total_bytes > 0 ? event.done_bytes / event.total_bytes : 0 });
    case 'document':
      return change({ state: 'added', share: 1, passages: event.passages ?? 0 });
    case 'refused':
      return change({ state: 'refused', reason: event.reason });
  }
}

function finish(mine: Set<string>): void {
  const done = uploads.get().filter((entry) => mine.has(entry.id));
  announce(done.map((entry) => `${entry.file}: ${uploadWords(entry)}`).join('. '));
  documentsChanged.update((count) => count + 1);
  loadCollections().catch(() => undefined);
}

export function uploadWords(entry: Upload): string {
  switch (entry.state) {
    case 'sending':
      return translate('documents_sending');
    case 'reading':
      return translate('documents_reading');
    case 'added':
      return translate('documents_added', { n: entry.passages ?? 0 });
    case 'refused':
      return translate('documents_refused', { reason: entry.reason ?? '' });
    case 'stopped':
      return translate('documents_stopped');
  }
}
