import { useEffect, useRef, useState } from 'preact/hooks';
import { useText } from '../i18n';
import { collections } from '../state/session';
import { useStore } from '../state/store';

/** The known collections; a new one is only a name until its first document. */
export function CollectionChoice({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  const t = useText();
  const known = useStore(collections);
  const [creating, setCreating] = useState(false);
  const names = known.map((collection) => collection.name);
  if (!names.includes(value)) names.push(value);
  return (
    <div class="row collection-choice">
      <label class="field field-inline">
        <span>{t('documents_collection')}</span>
        <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {creating ? (
        <NewCollection
          onDone={(name) => {
            setCreating(false);
            if (name) onChange(name);
          }}
        />
      ) : (
        <button type="button" class="button" onClick={() => setCreating(true)}>
          {t('documents_new_collection')}
        </button>
      )}
    </div>
  );
}

function NewCollection({ onDone }: { onDone: (name: string) => void }) {
  const t = useText();
  const [name, setName] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(name.trim());
      }}
    >
      <input
        ref={input}
        type="text"
        aria-label={t('documents_new_name')}
        placeholder={t('documents_new_name')}
        maxLength={80}
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onDone('');
        }}
      />
      <button type="submit" class="button button-main" disabled={!name.trim()}>
        {t('documents_create')}
      </button>
      <button type="button" class="button" onClick={() => onDone('')}>
        {t('cancel')}
      </button>
    </form>
  );
}
