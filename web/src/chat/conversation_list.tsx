import { useRef, useState } from 'preact/hooks';
import { useText } from '../i18n';
import { stopAnswer } from '../state/answering';
import type { Conversation } from '../state/conversations';
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
          <ConversationItem
            key={entry.id}
            entry={entry}
            current={entry.id === state.current}
            onOpen={() => {
              openConversation(entry.id);
              onChosen?.();
            }}
            onDelete={() => {
              stopAnswer(entry.id);
              deleteConversation(entry.id);
              newButton.current?.focus();
            }}
          />
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

interface ItemProps {
  entry: Conversation;
  current: boolean;
  onOpen: () => void;
  onDelete: () => void;
}

function ConversationItem({ entry, current, onOpen, onDelete }: ItemProps) {
  const t = useText();
  const title = entry.title || t('conversations_untitled');
  const remove = t('conversations_delete', { title });
  return (
    <li class={current ? 'conversation-current' : ''}>
      <button type="button" class="conversation-open" aria-current={current ? 'true' : undefined} onClick={onOpen}>
        {title}
      </button>
      <button type="button" class="icon-button conversation-delete" aria-label={remove} title={remove} onClick={onDelete}>
        <Icon name="trash" />
      </button>
    </li>
  );
}
