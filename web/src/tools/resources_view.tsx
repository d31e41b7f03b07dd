import { useEffect } from 'preact/hooks';
import { getJson } from '../api/client';
import type { Resources, ResourceTotals } from '../api/types';
import { MeterTable } from '../chat/answer_meter';
import { meterRows, readJoules } from '../chat/meter_rows';
import type { Key } from '../i18n';
import { formatNumber, formatPercent, formatSeconds, useText } from '../i18n';
import { getSettings } from '../state/settings';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';

export function ResourcesView() {
  const t = useText();
  const { value, failure, run } = useTask<ResourceTotals>();
  const load = () => run((signal) => getJson<ResourceTotals>('/api/resources', signal));
  useEffect(load, []);
  return (
    <div class="page">
      <div class="row row-apart">
        <h1>{t('resources_title')}</h1>
        <button type="button" class="button" onClick={load}>
          {t('resources_refresh')}
        </button>
      </div>
      {failure && <FailureNote failure={failure} onRetry={load} />}
      {value && <Totals totals={value} />}
      {!value && !failure && <p class="muted">{t('loading')}</p>}
    </div>
  );
}

function Totals({ totals: { total, since } }: { totals: ResourceTotals }) {
  const t = useText();
  const rows = meterRows(total);
  if (total.requests !== undefined) rows.unshift([t('meter_requests'), formatNumber(total.requests)]);
  const start = sinceWords(since);
  return (
    <>
      <p class="lead">{start ? t('resources_intro', { since: start }) : t('resources_intro_start')}</p>
      <TimeBar total={total} />
      <MeterTable rows={rows} />
      <p class="note">{t(`resources_energy_note_${readJoules(total).source}` as Key)}</p>
    </>
  );
}

function sinceWords(since: string | number | undefined): string {
  if (since === undefined) return '';
  const date = new Date(typeof since === 'number' ? since * 1000 : since);
  if (Number.isNaN(date.getTime())) return '';
  return new Intl.DateTimeFormat(getSettings().language, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}

const PHASES = ['prefill', 'decode', 'retrieval', 'moderation'] as const;

/** Where the time went, by phase. */
function TimeBar({ total }: { total: Resources }) {
  const t = useText();
  const seconds = PHASES.map((phase) => total[`${phase}_seconds`] ?? 0);
  const sum = seconds.reduce((all, value) => all + value, 0);
  if (sum <= 0) return null;
  return (
    <div class="time-bar">
      <div class="time-bar-strip" aria-hidden="true">
        {PHASES.map((phase, at) => (
          <span key={phase} class={`time-${phase}`} style={{ flexGrow: seconds[at]! / sum }} />
        ))}
      </div>
      <ul>
        {PHASES.map((phase, at) => (
          <li key={phase}>
            <span class={`time-key time-${phase}`} aria-hidden="true" />
            {t(`meter_${phase}` as Key)} {formatSeconds(seconds[at]!)} ({formatPercent(seconds[at]! / sum, 1)})
          </li>
        ))}
      </ul>
    </div>
  );
}
