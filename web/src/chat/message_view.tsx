import { Component } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatPercent, useText } from '../i18n';
import { retry } from '../state/answering';
import type { ModerationMark } from '../api/types';
import type { Message } from '../state/conversations';
import { getSettings } from '../state/settings';
import { CopyButton } from '../ui/copy_button';
import { FailureNote } from '../ui/failure';
import { focusComposer } from '../ui/focus';
import { MarkedPlainText, Markdown } from '../ui/markdown_view';
import { CitationButton, SourceList } from './citations';
import { AnswerMeter } from './answer_meter';
import { StepList } from './steps';

interface MessageProps {
  message: Message;
  conversation: string;
  busy: boolean; // an answer is being written in this conversation
  editing: boolean;
  onEdit: (id: string | null) => void;
  onSave: (text: string) => void;
}

/** Drawn again when its own message changes, and not with every piece of another one. */
export class MessageView extends Component<MessageProps> {
  override shouldComponentUpdate(next: MessageProps): boolean {
    const { message, busy, editing } = this.props;
    return next.message !== message || next.busy !== busy || next.editing !== editing;
  }

  render() {
    return this.props.message.role === 'user' ? <UserMessage {...this.props} /> : <AnswerMessage {...this.props} />;
  }
}

const NO_MARKS: never[] = [];

function UserMessage({ message, busy, editing, onEdit, onSave }: MessageProps) {
  const t = useText();
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (wasEditing.current && !editing) editButton.current?.focus();
    wasEditing.current = editing;
  }, [editing]);
  return (
    <article class="message message-user">
      <h2 class="message-author">{t('you')}</h2>
      {editing ? (
        <EditForm text={message.text} onCancel={() => onEdit(null)} onSave={onSave} />
      ) : (
        <>
          <MarkedPlainText text={message.text} marks={message.moderation ?? NO_MARKS} />
          <MarkKey marks={message.moderation ?? NO_MARKS} />
          <div class="message-actions">
            <button ref={editButton} type="button" class="text-button" disabled={busy} onClick={() => onEdit(message.id)}>
              {t('edit')}
            </button>
          </div>
        </>
      )}
    </article>
  );
}

function EditForm({ text, onCancel, onSave }: { text: string; onCancel: () => void; onSave: (text: string) => void }) {
  const t = useText();
  const [value, setValue] = useState(text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  return (
    <form
      class="edit-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim()) onSave(value);
      }}
    >
      <textarea
        ref={area}
        aria-label={t('edit')}
        rows={Math.min(10, value.split('\n').length + 1)}
        value={value}
        onInput={(event) => setValue(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onCancel();
        }}
      />
      <p class="muted small">{t('edit_note')}</p>
      <div class="row">
        <button type="submit" class="button button-main" disabled={!value.trim()}>
          {t('edit_save')}
        </button>
        <button type="button" class="button" onClick={onCancel}>
          {t('cancel')}
        </button>
      </div>
    </form>
  );
}

function AnswerMessage({ message, conversation, busy }: MessageProps) {
  const t = useText();
  const writing = message.state === 'writing';
  const cited = useMemo(() => citedNumbers(message), [message.citations, message.passages]);
  const again = () => {
    void retry(conversation, message.id);
    focusComposer();
  };
  return (
    <article class="message message-answer" aria-busy={writing}>
      <h2 class="message-author">{t('assistant')}</h2>
      {message.grounded && <StepList steps={message.steps ?? []} running={writing} />}
      {message.text && (
        <Markdown
          text={message.text}
          citations={cited}
          marks={message.moderation ?? NO_MARKS}
          renderCitation={(id, occurrence, key) => <CitationButton key={key} id={id} occurrence={occurrence} message={message} />}
        />
      )}
      {writing && <WritingNote />}
      <AnswerNotes message={message} />
      {message.failure && <FailureNote failure={message.failure} onRetry={again} />}
      {!writing && <SourceList message={message} />}
      {!writing && message.state !== 'failed' && (
        <footer class="message-foot">
          <div class="message-actions">
            <CopyButton text={message.text} />
            <button type="button" class="text-button" disabled={busy} onClick={again}>
              {t('retry')}
            </button>
          </div>
          <AnswerMeter message={message} />
        </footer>
      )}
    </article>
  );
}

/** Before the citations are checked, the numbers of the passages are what may be cited. */
function citedNumbers(message: Message): ReadonlySet<number> {
  if (message.citations) return new Set(message.citations.map((citation) => citation.id));
  return new Set((message.passages ?? []).map((_, index) => index + 1));
}

function AnswerNotes({ message }: { message: Message }) {
  const t = useText();
  return (
    <>
      {message.answered === false && message.state === 'done' && <p class="note">{t('not_answered')}</p>}
      {message.state === 'stopped' && <p class="note">{t('stopped')}</p>}
      {message.cut && <p class="note">{t('cut', { n: message.resources?.completion_tokens ?? getSettings().maxTokens })}</p>}
      <MarkKey marks={message.moderation ?? NO_MARKS} />
    </>
  );
}

function MarkKey({ marks }: { marks: ModerationMark[] }) {
  const t = useText();
  const words = [...new Set(marks.map((mark) => t('mark_at', { category: mark.category, p: formatPercent(mark.score) })))];
  if (words.length === 0) return null;
  return (
    <p class="mark-key">
      <span class="mark-key-label">{t('marks_note')}</span> {words.join(' · ')}
    </p>
  );
}

/** Seconds run for the eye alone; a screen reader is told of the end. */
function WritingNote() {
  const t = useText();
  const [begin] = useState(() => performance.now());
  const [now, setNow] = useState(begin);
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.floor((now - begin) / 1000);
  return (
    <p class="writing muted">
      {t('writing')} {seconds > 0 && <span aria-hidden="true">{t('unit_s', { n: seconds })}</span>}
    </p>
  );
}
