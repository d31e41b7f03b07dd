import { useEffect, useState } from 'preact/hooks';
import { listDocuments, removeDocument } from '../api/knowledge';
import type { DocumentEntry } from '../api/types';
import { formatNumber, useText } from '../i18n';
import { startConversation } from '../state/conversations';
import { announce, collections, info } from '../state/session';
import { useStore } from '../state/store';
import { Confirm } from '../ui/dialog';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';
import { CollectionChoice } from './collection_choice';
import { DropZone, UploadList } from './drop_zone';
import { documentsChanged } from './uploads';

export function DocumentsView() {
  const t = useText();
  const server = useStore(info);
  const known = useStore(collections);
  const [chosen, setChosen] = useState<string | null>(null);
  const collection = chosen ?? known[0]?.name ?? 'default';
  return (
    <div class="page">
      <h1>{t('documents_title')}</h1>
      {server && !server.features.knowledge ? (
        <p class="note">{t('documents_off')}</p>
      ) : (
        <>
          <p class="lead">{t('documents_intro')}</p>
          <CollectionChoice value={collection} onChange={setChosen} />
          <DropZone collection={collection} />
          <UploadList />
          <DocumentList key={collection} collection={collection} />
        </>
      )}
    </div>
  );
}

function DocumentList({ collection }: { collection: string }) {
  const t = useText();
  const changes = useStore(documentsChanged);
  const { value, failure, run } = useTask<DocumentEntry[]>();
  const load = () =>
    run(() =>
      listDocuments(collection).catch((error: { kind?: string }) => {
        if (error.kind === 'missing') return []; // a collection comes into being with its first document
        throw error;
      }),
    );
  useEffect(load, [collection, changes]);
  return (
    <section aria-labelledby="documents-list">
      <h2 id="documents-list">{t('documents_list', { name: collection })}</h2>
      {failure && <FailureNote failure={failure} onRetry={load} />}
      {!value && !failure && <p class="muted">{t('loading')}</p>}
      {value?.length === 0 && <p class="muted">{t('documents_empty')}</p>}
      {value && value.length > 0 && (
        <>
          <a class="button" href="#/chat" onClick={() => startConversation(collection)}>
            {t('documents_ask')}
          </a>
          <DocumentTable collection={collection} documents={value} />
        </>
      )}
    </section>
  );
}

function DocumentTable({ collection, documents }: { collection: string; documents: DocumentEntry[] }) {
  const t = useText();
  const [asking, setAsking] = useState<DocumentEntry | null>(null);
  const removal = useTask<void>();
  const remove = (entry: DocumentEntry) =>
    removal.run(async () => {
      await removeDocument(collection, entry.id);
      documentsChanged.update((count) => count + 1);
      announce(t('documents_removed', { file: entry.file }));
      document.getElementById('main')?.focus();
    });
  return (
    <div class="table-scroll">
      {removal.failure && <FailureNote failure={removal.failure} />}
      <table class="document-table">
        <thead>
          <tr>
            <th scope="col">{t('documents_file')}</th>
            <th scope="col" class="number">
              {t('documents_passages')}
            </th>
            <th scope="col" class="number wide-only">
              {t('documents_characters')}
            </th>
            <td />
          </tr>
        </thead>
        <tbody>
          {documents.map((entry) => (
            <tr key={entry.id}>
              <th scope="row">{entry.file}</th>
              <td class="number">{entry.passages === undefined ? '' : formatNumber(entry.passages)}</td>
              <td class="number wide-only">{entry.characters === undefined ? '' : formatNumber(entry.characters)}</td>
              <td class="number">
                <button
                  type="button"
                  class="text-button"
                  aria-label={t('documents_remove_named', { file: entry.file })}
                  onClick={() => setAsking(entry)}
                >
                  {t('documents_remove')}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {asking && (
        <Confirm
          question={t('documents_remove_ask', { file: asking.file, name: collection })}
          action={t('documents_remove')}
          onYes={() => remove(asking)}
          onClose={() => setAsking(null)}
        />
      )}
    </div>
  );
}
