import { useRef, useState } from 'preact/hooks';
import { useText } from '../i18n';
import { stopAnswer } from '../state/answering';
import {
  conversations,
  currentConversation,
  deleteAllConversations,
  deleteConversation,
  openConversation,
  startConversation,
} from '../state/conversations';
import { useStore } from '../state/store';
import { Confirm } from '../ui/dialog';
import { focusComposer } from '../ui/focus';
import { Icon } from '../ui/icon';

export function ConversationList({ onChosen }: { onChosen?: () => void }) {
  const t = useText();
  const state = useStore(conversations);
  const [asking, setAsking] = useState(false);
  const newButton = useRef<HTMLButtonElement>(null);
  const start = () => {
    startConversation(currentConversation().collection);
    onChosen?.();
    focusComposer();
  };
  const kept = state.list.filter((entry) => entry.messages.length > 0);
  return (
    <div class="conversations">
      <button ref={newButton} type="button" class="button conversations-new" onClick={start}>
        <Icon name="plus" /> {t('conversations_new')}
      </button>
      <ul>
        {kept.map((entry) => (
          <li key={entry.id} class={entry.id === state.current ? 'conversation-current' : ''}>
            <button
              type="button"
              class="conversation-open"
              aria-current={entry.id === state.current ? 'true' : undefined}
              onClick={() => {
                openConversation(entry.id);
                onChosen?.();
              }}
            >
              {entry.title || t('conversations_untitled')}
            </button>
            <button
              type="button"
              class="icon-button conversation-delete"
              aria-label={t('conversations_delete', { title: entry.title })}
              title={t('conversations_delete', { title: entry.title })}
              onClick={() => {
                stopAnswer(entry.id);
                deleteConversation(entry.id);
                newButton.current?.focus();
              }}
            >
              <Icon name="trash" />
            </button>
          </li>
        ))}
      </ul>
      <div class="conversations-foot">
        {state.full && <p class="warning-text">{t('conversations_full')}</p>}
        <p class="muted small">{t('conversations_note')}</p>
        {kept.length > 0 && (
          <button type="button" class="text-button" onClick={() => setAsking(true)}>
            {t('conversations_delete_all')}
          </button>
        )}
      </div>
      {asking && (
        <Confirm
          question={t('conversations_delete_ask', { n: kept.length })}
          action={t('conversations_delete_all')}
          onYes={() => {
            for (const entry of kept) stopAnswer(entry.id);
            deleteAllConversations();
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}
