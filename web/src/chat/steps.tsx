import type { Key } from '../i18n';
import { formatNumber, formatSeconds, useText } from '../i18n';
import { STEPS } from '../api/types';
import type { StepState } from '../state/conversations';

/** The five steps of a grounded answer, each with what it took; a bar shows their shares of the time. */
export function StepList({ steps, running }: { steps: StepState[]; running: boolean }) {
  const t = useText();
  const total = steps.reduce((sum, step) => sum + (step.seconds ?? 0), 0);
  const query = steps.map((step) => step.detail?.query).find(Boolean);
  return (
    <section class="steps" aria-label={t('steps')}>
      <ol>
        {STEPS.map((name) => {
          const step = steps.find((entry) => entry.step === name);
          const active = step?.state === 'begin' && running;
          const share = total > 0 ? (step?.seconds ?? 0) / total : 0;
          return (
            <li key={name} class={active ? 'step step-active' : step ? 'step step-done' : 'step'}>
              <span class="step-name">{t(`step_${name}` as Key)}</span>
              <span class="step-time">{stepTime(step, running, t)}</span>
              <span class="step-detail">{stepDetail(step, t)}</span>
              <span class="step-bar" aria-hidden="true">
                <span style={{ width: `${Math.round(share * 100)}%` }} />
              </span>
            </li>
          );
        })}
      </ol>
      {query && <p class="muted small">{t('step_query', { query })}</p>}
    </section>
  );
}

type Translate = ReturnType<typeof useText>;

function stepTime(step: StepState | undefined, running: boolean, t: Translate): string {
  if (step?.seconds !== undefined) return formatSeconds(step.seconds);
  if (step?.state === 'begin' && running) return t('step_running');
  return step ? '' : running ? t('step_waiting') : '–';
}

function stepDetail(step: StepState | undefined, t: Translate): string {
  const parts: string[] = [];
  if (step?.detail?.hits !== undefined) parts.push(t('step_hits', { n: formatNumber(step.detail.hits) }));
  if (step?.detail?.tokens !== undefined) parts.push(t('step_tokens', { n: formatNumber(step.detail.tokens) }));
  return parts.join(', ');
}
