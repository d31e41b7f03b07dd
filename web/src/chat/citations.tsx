import { useText } from '../i18n';
import type { Citation, Passage } from '../api/types';
import type { Message } from '../state/conversations';
import { openPassage } from '../state/session';
import { unitsOfBytes } from '../text/bytes';

const baseName = (source: string) => source.split('/').pop() || source;

interface Found {
  passage: Passage | undefined;
  citation: Citation | undefined;
}

/** A passage that several sentences cite has a citation for each: the first [1] is the first one of 1. */
function passageOf(message: Message, id: number, occurrence: number): Found {
  const all = message.citations?.filter((entry) => entry.id === id) ?? [];
  const citation = all[Math.min(occurrence, all.length - 1)];
  const passage =
    message.passages?.find((entry) => citation && String(entry.id) === String(citation.passage)) ?? message.passages?.[id - 1];
  return { passage, citation };
}

function open(message: Message, passage: Passage, citation: Citation | undefined, opener: EventTarget | null): void {
  openPassage.set({
    passage,
    collection: message.collection ?? '',
    opener: opener instanceof HTMLElement ? opener : null,
    ...(citation ? { citation, sentence: sentenceOf(message.text, citation) } : {}),
  });
}

function sentenceOf(text: string, citation: Citation): string {
  const [start, end] = unitsOfBytes(text, [citation.answer_start, citation.answer_end]);
  return text
    .slice(start, end)
    .replace(/\s*\[\d+\]/g, '')
    .trim();
}

export function CitationButton({ id, occurrence, message }: { id: number; occurrence: number; message: Message }) {
  const t = useText();
  const { passage, citation } = passageOf(message, id, occurrence);
  if (!passage) return <span>[{id}]</span>;
  const weak = citation?.supported === false;
  const label = t('citation_open', { n: id, source: baseName(passage.source) });
  return (
    <button
      type="button"
      class={`citation ${weak ? 'citation-weak' : ''}`}
      aria-label={weak ? `${label}. ${t('citation_unsupported')}` : label}
      title={weak ? t('citation_unsupported') : baseName(passage.source)}
      onClick={(event) => open(message, passage, citation, event.currentTarget)}
    >
      {id}
      {weak ? '?' : ''}
    </button>
  );
}

export function SourceList({ message }: { message: Message }) {
  const t = useText();
  const passages = message.passages ?? [];
  const ids = [...new Set((message.citations ?? []).map((citation) => citation.id))];
  if (passages.length === 0) return null;
  return (
    <section class="sources" aria-label={t('sources')}>
      {ids.length > 0 && (
        <ol class="source-list">
          {ids.map((id) => (
            <SourceItem key={id} id={id} message={message} />
          ))}
        </ol>
      )}
      <details>
        <summary>{t('passages_all', { n: passages.length })}</summary>
        <ul class="passage-list">
          {passages.map((passage) => (
            <li key={passage.id}>
              <button
                type="button"
                class="text-button"
                onClick={(event) => open(message, passage, undefined, event.currentTarget)}
              >
                {passage.title || baseName(passage.source)}
                {passage.page ? `, ${t('page', { n: passage.page })}` : ''}
              </button>
              <p class="muted small passage-excerpt">{passage.text}</p>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function SourceItem({ id, message }: { id: number; message: Message }) {
  const t = useText();
  const { passage, citation } = passageOf(message, id, 0);
  if (!passage || !citation) return null;
  const page = citation.page ?? passage.page;
  return (
    <li value={id}>
      <button type="button" class="source" onClick={(event) => open(message, passage, citation, event.currentTarget)}>
        <span class="source-name">
          <span class="source-number">{id}</span>
          {passage.title || baseName(citation.source)}
          {page ? `, ${t('page', { n: page })}` : ''}
        </span>
        <span class="source-quote">{citation.quote}</span>
        {!citation.supported && <span class="source-weak">{t('citation_unsupported')}</span>}
      </button>
    </li>
  );
}
