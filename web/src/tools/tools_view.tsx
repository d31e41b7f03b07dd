import { useMemo, useState } from 'preact/hooks';
import { postJson } from '../api/client';
import { useText } from '../i18n';
import { announce } from '../state/session';
import type { Language } from '../state/settings';
import { getSettings } from '../state/settings';
import { diffTexts } from '../text/diff';
import { Choice } from '../ui/choice';
import { CopyButton } from '../ui/copy_button';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';

type Tool = 'translate' | 'correct' | 'summarize';

interface Outcome {
  tool: Tool;
  before: string;
  result: string;
  model: string;
}

export function ToolsView() {
  const t = useText();
  const [tool, setTool] = useState<Tool>('translate');
  const [to, setTo] = useState<Language>(getSettings().language === 'ko' ? 'ko' : 'en');
  const [text, setText] = useState('');
  const { value, failure, running, run } = useTask<Outcome>();
  const start = () =>
    run(async (signal) => {
      const model = getSettings().model;
      const body = { text, ...(model ? { model } : {}), ...(tool === 'translate' ? { to } : {}) };
      const answer = await postJson<{ result: string; model?: string }>(`/api/${tool}`, body, signal);
      announce(`${t('tools_result')}: ${answer.result.slice(0, 600)}`);
      return { tool, before: text, result: answer.result, model: answer.model ?? '' };
    });
  return (
    <div class="page page-wide">
      <h1>{t('tools_title')}</h1>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) start();
        }}
      >
        <div class="tools-in">
          <ToolChoices tool={tool} onTool={setTool} to={to} onTo={setTo} />
          <label class="field">
            <span>{t('tools_text')}</span>
            <textarea rows={10} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
          <button type="submit" class="button button-main" disabled={!text.trim() || running}>
            {running ? t('tools_working') : t('tools_run')}
          </button>
        </div>
        <section class="tools-out" aria-label={t('tools_result')} aria-busy={running}>
          <h2>{t('tools_result')}</h2>
          {failure && <FailureNote failure={failure} onRetry={start} />}
          {value ? <OutcomeView outcome={value} /> : !failure && <p class="muted">{t('tools_empty')}</p>}
        </section>
      </form>
    </div>
  );
}

interface ChoicesProps {
  tool: Tool;
  onTool: (tool: Tool) => void;
  to: Language;
  onTo: (language: Language) => void;
}

function ToolChoices({ tool, onTool, to, onTo }: ChoicesProps) {
  const t = useText();
  return (
    <div class="row tools-choices">
      <Choice
        label={t('tools_task')}
        hideLabel
        value={tool}
        onChange={onTool}
        options={[
          { value: 'translate', label: t('tools_translate') },
          { value: 'correct', label: t('tools_correct') },
          { value: 'summarize', label: t('tools_summarize') },
        ]}
      />
      {tool === 'translate' && (
        <label class="field field-inline">
          <span>{t('tools_to')}</span>
          <select value={to} onChange={(event) => onTo(event.currentTarget.value as Language)}>
            <option value="ko">{t('tools_to_ko')}</option>
            <option value="en">{t('tools_to_en')}</option>
          </select>
        </label>
      )}
    </div>
  );
}

function OutcomeView({ outcome }: { outcome: Outcome }) {
  const t = useText();
  return (
    <>
      <p class="plain-text tools-result">{outcome.result}</p>
      <div class="message-actions">
        <CopyButton text={outcome.result} />
        {outcome.model && <span class="muted small">{outcome.model}</span>}
      </div>
      {outcome.tool === 'correct' && (
        <>
          <h3>{t('tools_changes')}</h3>
          <DiffText before={outcome.before} after={outcome.result} />
        </>
      )}
    </>
  );
}

export function DiffText({ before, after }: { before: string; after: string }) {
  const t = useText();
  const parts = useMemo(() => diffTexts(before, after), [before, after]);
  if (parts.every((part) => part.kind === 'same')) return <p class="muted">{t('tools_unchanged')}</p>;
  return (
    <p class="plain-text diff">
      {parts.map((part, key) => {
        if (part.kind === 'same') return part.text;
        const Tag = part.kind === 'removed' ? 'del' : 'ins';
        return (
          <Tag key={key}>
            <span class="visually-hidden">[{t(`tools_${part.kind}`)}: </span>
            {part.text}
            <span class="visually-hidden">]</span>
          </Tag>
        );
      })}
    </p>
  );
}
