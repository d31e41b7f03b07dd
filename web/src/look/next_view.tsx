import { useEffect, useMemo, useState } from 'preact/hooks';
import { postJson } from '../api/client';
import type { Candidates } from '../api/types';
import { formatNumber, formatPercent, useText } from '../i18n';
import { getSettings } from '../state/settings';
import { entropy, softmax } from '../text/softmax';
import { Slider } from '../ui/choice';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';
import { LookForm } from './look_form';

const SHOWN = 15;

export function NextView() {
  const t = useText();
  const [text, setText] = useState(t('next_example'));
  const [temperature, setTemperature] = useState(1);
  const { value, failure, running, run } = useTask<Candidates>();
  const show = (of = text) =>
    run((signal) => {
      const model = getSettings().model;
      return postJson<Candidates>('/api/next', { text: of, top: 50, ...(model ? { model } : {}) }, signal);
    });
  useEffect(() => show(), []);
  const take = (token: string) => {
    setText(text + token);
    show(text + token);
  };
  return (
    <>
      <p class="lead">{t('next_intro')}</p>
      <LookForm label={t('next_text')} value={text} onInput={setText} onShow={() => show()} running={running} />
      {failure && <FailureNote failure={failure} onRetry={() => show()} />}
      {value && (
        <>
          <Slider
            label={t('next_temperature')}
            value={temperature}
            min={0}
            max={2}
            step={0.05}
            shown={temperature.toFixed(2)}
            onChange={setTemperature}
          />
          <CandidateBars list={value} temperature={temperature} onTake={take} />
        </>
      )}
    </>
  );
}

interface BarsProps {
  list: Candidates;
  temperature: number;
  onTake: (token: string) => void;
}

function CandidateBars({ list, temperature, onTake }: BarsProps) {
  const t = useText();
  const sorted = useMemo(() => [...list.candidates].sort((a, b) => b.logit - a.logit), [list]);
  const chances = softmax(
    sorted.map((candidate) => candidate.logit),
    temperature,
  );
  return (
    <section aria-label={t('next_list')}>
      <h2>{t('next_list')}</h2>
      <ol class="bars">
        {sorted.slice(0, SHOWN).map((candidate, at) => (
          <li key={candidate.id}>
            <button type="button" class="bar" onClick={() => onTake(candidate.text)}>
              <span class="bar-text">{visible(candidate.text)}</span>
              <span class="bar-room">
                <span class="bar-fill" style={{ width: `${100 * chances[at]!}%` }} />
              </span>
              <span class="bar-value">{formatPercent(chances[at]!, 1)}</span>
            </button>
          </li>
        ))}
      </ol>
      <p class="muted small">
        {t('next_take')} {t('next_entropy', { n: formatNumber(entropy(chances), 2) })}{' '}
        {t('next_note', { n: formatNumber(sorted.length), all: formatNumber(list.vocabulary) })}
      </p>
    </section>
  );
}

function visible(text: string): string {
  return text.replace(/ /g, '␣').replace(/\n/g, '⏎') || '∅';
}
