import { useEffect, useRef } from 'preact/hooks';
import { getPassage } from '../api/knowledge';
import type { Passage } from '../api/types';
import { useText } from '../i18n';
import type { OpenPassage } from '../state/session';
import { attentionText, info, openPassage, route } from '../state/session';
import { useStore } from '../state/store';
import { locateQuote } from '../text/locate';
import { Icon } from '../ui/icon';
import { useTask } from '../ui/use_task';

const NARROW = '(max-width: 1000px)';

/** Beside the text where there is room; over it, as a modal dialog, on narrow screens. */
export function PassagePanel() {
  const open = useStore(openPassage);
  const { route: place } = useStore(route);
  useEffect(() => {
    if (place !== 'chat') openPassage.set(null);
  }, [place]);
  return open && place === 'chat' ? <Panel key={`${open.passage.id}/${open.citation?.id}`} open={open} /> : null;
}

function Panel({ open }: { open: OpenPassage }) {
  const t = useText();
  const element = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const { value, run } = useTask<Passage>();
  const close = () => {
    openPassage.set(null);
    if (open.opener?.isConnected) open.opener.focus();
  };
  useEffect(() => {
    if (matchMedia(NARROW).matches) element.current?.showModal();
    else element.current?.show();
    heading.current?.focus();
    // What the answer carried is shown at once; its surroundings come when they come.
    if (open.collection) run(() => getPassage(open.collection, open.passage.id));
  }, []);
  const passage: Passage = { ...open.passage, ...value, text: value?.text || open.passage.text };
  return (
    <dialog
      ref={element}
      class="passage-panel"
      aria-labelledby="passage-heading"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <header class="panel-head">
        <h2 id="passage-heading" tabIndex={-1} ref={heading}>
          {open.citation ? <span class="panel-number">{open.citation.id}</span> : null}
          {passage.title || t('passage')}
        </h2>
        <button type="button" class="icon-button" aria-label={t('close')} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <p class="muted small panel-source">
        {passage.source}
        {passage.page ? ` · ${t('page', { n: passage.page })}` : ''}
      </p>
      <PassageText passage={passage} quote={open.citation?.quote} />
      <AttentionLink open={open} />
    </dialog>
  );
}

function PassageText({ passage, quote }: { passage: Passage; quote: string | undefined }) {
  const t = useText();
  const mark = useRef<HTMLElement>(null);
  const range = quote ? locateQuote(passage, { quote }) : undefined;
  useEffect(() => {
    mark.current?.scrollIntoView({ block: 'center' });
  }, [passage.text, passage.before]);
  return (
    <div class="panel-text">
      {quote && <p class="muted small">{range ? t('passage_quote') : t('passage_unfound', { quote })}</p>}
      <div class="passage-text" tabIndex={0} role="group" aria-label={t('passage')}>
        {passage.before && <span class="passage-around">{passage.before}</span>}
        {range ? (
          <>
            {passage.text.slice(0, range[0])}
            <mark ref={mark}>{passage.text.slice(range[0], range[1])}</mark>
            {passage.text.slice(range[1])}
          </>
        ) : (
          passage.text
        )}
        {passage.after && <span class="passage-around">{passage.after}</span>}
      </div>
    </div>
  );
}

/** From an answer's words to the cited ones, in the model's own attention. */
function AttentionLink({ open }: { open: OpenPassage }) {
  const t = useText();
  const server = useStore(info);
  if (!server?.features.attention || !open.citation || !open.sentence) return null;
  const text = `${open.citation.quote}\n${open.sentence}`;
  return (
    <a class="panel-link" href="#/look/attention" onClick={() => attentionText.set({ text })}>
      {t('passage_attention')}
    </a>
  );
}
