import { formatNumber, formatSeconds, useText } from '../i18n';
import type { Message } from '../state/conversations';
import { decodeSpeed, formatJoules, meterRows, readJoules } from './meter_rows';

/** One quiet line; all of it on request. */
export function AnswerMeter({ message }: { message: Message }) {
  const t = useText();
  const resources = message.resources ?? {};
  const rows = meterRows(resources);
  if (message.model) rows.unshift([t('meter_model'), message.model]);
  if (rows.length === 0) return null;
  const parts: string[] = [];
  if (resources.completion_tokens !== undefined) parts.push(t('meter_tokens', { n: formatNumber(resources.completion_tokens) }));
  const seconds =
    (resources.prefill_seconds ?? 0) +
    (resources.decode_seconds ?? 0) +
    (resources.retrieval_seconds ?? 0) +
    (resources.moderation_seconds ?? 0);
  if (seconds > 0) parts.push(formatSeconds(seconds));
  const speed = decodeSpeed(resources);
  if (speed) parts.push(t('meter_speed', { n: formatNumber(speed, 1) }));
  if (readJoules(resources).value !== undefined) parts.push(formatJoules(resources));
  return (
    <details class="meter">
      <summary>
        <span class="visually-hidden">{t('meter')}: </span>
        {parts.join(' · ') || t('meter')}
      </summary>
      <MeterTable rows={rows} />
      {message.confidence !== undefined && message.grounded && (
        <p class="muted small">{t('confidence', { p: formatNumber(message.confidence, 2) })}</p>
      )}
    </details>
  );
}

export function MeterTable({ rows }: { rows: [string, string][] }) {
  return (
    <dl class="meter-table">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
