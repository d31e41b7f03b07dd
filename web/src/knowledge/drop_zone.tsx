import { useId, useRef, useState } from 'preact/hooks';
import { formatPercent, useText } from '../i18n';
import { useStore } from '../state/store';
import type { Upload } from './uploads';
import { addFiles, stopUploads, uploads, uploadWords } from './uploads';

export function DropZone({ collection }: { collection: string }) {
  const t = useText();
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const [over, setOver] = useState(false);
  const add = (list: FileList | null | undefined) => void addFiles(collection, [...(list ?? [])]);
  return (
    <div
      class={over ? 'drop drop-over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        add(event.dataTransfer?.files);
      }}
    >
      <p>
        {t('documents_drop')}{' '}
        <button type="button" class="button" aria-describedby={id} onClick={() => input.current?.click()}>
          {t('documents_choose')}
        </button>
      </p>
      <p id={id} class="muted small">
        {t('documents_formats')}
      </p>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          add(event.currentTarget.files);
          event.currentTarget.value = ''; // the same file may be chosen again
        }}
      />
    </div>
  );
}

export function UploadList() {
  const t = useText();
  const list = useStore(uploads);
  if (list.length === 0) return null;
  const open = list.some((entry) => entry.state === 'sending' || entry.state === 'reading');
  return (
    <div class="uploads">
      <ul>
        {list.map((entry) => (
          <UploadItem key={entry.id} entry={entry} />
        ))}
      </ul>
      {open && (
        <button type="button" class="text-button" onClick={stopUploads}>
          {t('documents_stop')}
        </button>
      )}
    </div>
  );
}

function UploadItem({ entry }: { entry: Upload }) {
  const t = useText();
  const open = entry.state === 'sending' || entry.state === 'reading';
  return (
    <li class={`upload upload-${entry.state}`}>
      <span class="upload-file">{entry.file}</span>
      <span class="upload-state">
        {uploadWords(entry)}
        {open ? ` ${formatPercent(entry.share)}` : ''}
      </span>
      {open && <progress max={1} value={entry.share} aria-label={t('documents_progress', { file: entry.file })} />}
    </li>
  );
}
