import { useEffect, useRef, useState } from 'preact/hooks';
import { useText } from '../i18n';
import { ask, stopAnswer } from '../state/answering';
import type { Conversation } from '../state/conversations';
import { changeConversation } from '../state/conversations';
import { collections, info } from '../state/session';
import { useStore } from '../state/store';
import { focusComposer } from '../ui/focus';
import { Icon } from '../ui/icon';

const MODEL_ALONE = ' '; // no collection is called that

export function Composer({ entry, writing }: { entry: Conversation; writing: boolean }) {
  const t = useText();
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => setText(''), [entry.id]);
  useEffect(() => {
    if (area.current) growWithText(area.current);
  }, [text]);
  const send = () => {
    if (!text.trim() || writing) return;
    setText('');
    void ask(entry.id, text);
  };
  return (
    <form
      class="composer column"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <label for="composer-input" class="visually-hidden">
          {t('chat_input')}
        </label>
        <textarea
          id="composer-input"
          ref={area}
          rows={1}
          value={text}
          placeholder={t(entry.collection === null ? 'chat_placeholder' : 'chat_placeholder_documents')}
          aria-describedby="composer-hint"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            // While a syllable is being composed, Enter ends it and sends nothing.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
            event.preventDefault();
            send();
          }}
        />
        <ComposerRow entry={entry} writing={writing} empty={!text.trim()} />
      </div>
    </form>
  );
}

function ComposerRow({ entry, writing, empty }: { entry: Conversation; writing: boolean; empty: boolean }) {
  const t = useText();
  return (
    <div class="composer-row">
      <SourceChoice entry={entry} />
      <span id="composer-hint" class="muted small composer-hint">
        {t('chat_hint')}
      </span>
      {writing ? (
        // Keys, so that a press meant to stop never reaches the button that sends.
        <button
          key="stop"
          type="button"
          class="button button-main"
          onClick={() => {
            stopAnswer(entry.id);
            focusComposer();
          }}
        >
          <Icon name="stop" /> {t('chat_stop')}
        </button>
      ) : (
        <button key="send" type="submit" class="button button-main" disabled={empty}>
          <Icon name="send" /> {t('chat_send')}
        </button>
      )}
    </div>
  );
}

function growWithText(area: HTMLTextAreaElement): void {
  area.style.height = 'auto';
  area.style.height = `${Math.min(area.scrollHeight + 2, innerHeight * 0.35)}px`;
}

function SourceChoice({ entry }: { entry: Conversation }) {
  const t = useText();
  const known = useStore(collections);
  const server = useStore(info);
  if (!server?.features.knowledge) return null;
  const names = known.map((collection) => collection.name);
  if (entry.collection !== null && !names.includes(entry.collection)) names.push(entry.collection);
  return (
    <label class="source-choice">
      <span class="visually-hidden">{t('chat_source')}</span>
      <select
        value={entry.collection ?? MODEL_ALONE}
        onChange={(event) => {
          const value = event.currentTarget.value;
          changeConversation(entry.id, (before) => ({ ...before, collection: value === MODEL_ALONE ? null : value }));
        }}
      >
        <option value={MODEL_ALONE}>{t('chat_source_model')}</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {t('chat_source_collection', { name })}
          </option>
        ))}
      </select>
    </label>
  );
}
