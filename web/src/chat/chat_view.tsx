import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useText } from '../i18n';
import { ask } from '../state/answering';
import { conversations, currentConversation } from '../state/conversations';
import { collections, openPassage } from '../state/session';
import { useStore } from '../state/store';
import { Dialog } from '../ui/dialog';
import { focusComposer } from '../ui/focus';
import { Icon } from '../ui/icon';
import { Composer } from './composer';
import { ConversationList } from './conversation_list';
import { MessageView } from './message_view';

export function ChatView() {
  const t = useText();
  const state = useStore(conversations);
  const entry = currentConversation(state);
  const [editing, setEditing] = useState<string | null>(null);
  const [showList, setShowList] = useState(false);
  const scroller = useFollowEnd(entry.id, entry.messages);
  const writing = entry.messages.some((message) => message.state === 'writing');
  useEffect(() => {
    setEditing(null);
    openPassage.set(null);
  }, [entry.id]);
  return (
    <div class="chat">
      <aside class="chat-side" aria-label={t('conversations')}>
        <ConversationList />
      </aside>
      <section class="chat-main" aria-label={t('chat_title')}>
        <div class="chat-bar">
          <button type="button" class="text-button" onClick={() => setShowList(true)}>
            <Icon name="menu" /> {t('conversations_open')}
          </button>
        </div>
        <div class="chat-scroll" ref={scroller} tabIndex={0} role="group" aria-label={t('chat_title')}>
          <div class="column">
            <h1 class={entry.messages.length > 0 ? 'visually-hidden' : 'chat-empty-title'}>
              {entry.messages.length > 0 ? entry.title || t('chat_title') : t('chat_empty')}
            </h1>
            {entry.messages.length === 0 && (
              <p class="muted">{t(entry.collection === null ? 'chat_empty_model' : 'chat_empty_documents')}</p>
            )}
            {entry.messages.map((message) => (
              <MessageView
                key={message.id}
                message={message}
                conversation={entry.id}
                busy={writing}
                editing={editing === message.id}
                onEdit={setEditing}
                onSave={(text) => {
                  setEditing(null);
                  void ask(entry.id, text, message.id);
                  focusComposer();
                }}
              />
            ))}
          </div>
        </div>
        <Composer entry={entry} writing={writing} />
      </section>
      {showList && (
        <Dialog title={t('conversations')} onClose={() => setShowList(false)} className="dialog-side">
          <ConversationList onChosen={() => setShowList(false)} />
        </Dialog>
      )}
    </div>
  );
}

/** Keeps the end in view while an answer grows, unless the reader has scrolled away from it. */
function useFollowEnd(id: string, messages: unknown[]) {
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const count = useRef(0);
  useStore(collections); // its list appears in the composer and changes the room
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const note = () => {
      follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    };
    element.addEventListener('scroll', note, { passive: true });
    return () => element.removeEventListener('scroll', note);
  }, []);
  useLayoutEffect(() => {
    follows.current = true;
  }, [id]);
  useLayoutEffect(() => {
    if (messages.length > count.current) follows.current = true;
    count.current = messages.length;
    const element = scroller.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  }, [messages, id]);
  return scroller;
}
