import { useEffect, useMemo, useState } from 'preact/hooks';
import { postJson } from '../api/client';
import type { TokenList } from '../api/types';
import { formatNumber, useText } from '../i18n';
import { getSettings } from '../state/settings';
import type { CharacterCell } from '../text/bytes';
import { cellsOfTokens } from '../text/bytes';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';
import { LookForm } from './look_form';

interface Split extends TokenList {
  text: string; // what was split; the field may have changed since
}

export function TokensView() {
  const t = useText();
  const [text, setText] = useState(t('tokens_example'));
  const { value, failure, running, run } = useTask<Split>();
  const show = () =>
    run(async (signal) => {
      const model = getSettings().model;
      const list = await postJson<TokenList>('/api/tokens', { text, ...(model ? { model } : {}) }, signal);
      return { ...list, text };
    });
  useEffect(() => show(), []);
  return (
    <>
      <p class="lead">{t('tokens_intro')}</p>
      <LookForm label={t('tokens_text')} value={text} onInput={setText} onShow={show} running={running} />
      {failure && <FailureNote failure={failure} onRetry={show} />}
      {value && <TokenDrawing split={value} />}
    </>
  );
}

function TokenDrawing({ split }: { split: Split }) {
  const t = useText();
  const [active, setActive] = useState(-1);
  const cells = useMemo(() => cellsOfTokens(split.text, split.tokens), [split]);
  const inside = useMemo(() => cells.reduce((sum, cell) => sum + cell.parts.filter((part) => part.to < 1).length, 0), [cells]);
  return (
    <>
      <p>
        {t('tokens_counts', {
          tokens: formatNumber(split.tokens.length),
          characters: formatNumber(split.characters),
          bytes: formatNumber(split.bytes),
          syllables: formatNumber(split.syllables),
        })}
        {split.syllables > 0 && ` · ${t('tokens_rate', { n: formatNumber(split.tokens.length / split.syllables, 2) })}`}
        {inside > 0 && ` · ${t('tokens_split', { n: inside })}`}
      </p>
      <div class="token-drawing" aria-hidden="true" onMouseLeave={() => setActive(-1)}>
        {cells.map((cell, key) => (
          <Cell key={key} cell={cell} active={active} onActive={setActive} />
        ))}
      </div>
      <details class="token-table">
        <summary>{t('tokens_table')}</summary>
        <div class="table-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('tokens_piece')}</th>
                <th scope="col" class="number">
                  {t('tokens_id')}
                </th>
                <th scope="col" class="number">
                  {t('tokens_span')}
                </th>
              </tr>
            </thead>
            <tbody>
              {split.tokens.map((token, key) => (
                <tr key={key}>
                  <th scope="row">{token.text.replace(/ /g, '␣')}</th>
                  <td class="number">{token.id}</td>
                  <td class="number">
                    {token.start}–{token.end}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

interface CellProps {
  cell: CharacterCell;
  active: number;
  onActive: (token: number) => void;
}

/** A character above the bars of its tokens; bars of one token in neighbouring cells join. */
function Cell({ cell, active, onActive }: CellProps) {
  if (cell.text === '\n') return <span class="token-line-end" />;
  return (
    <span class="token-cell" onMouseEnter={() => onActive(cell.parts[0]?.token ?? -1)}>
      <span class="token-character">{cell.text === ' ' ? '\u00a0' : cell.text}</span>
      <span class="token-bars">
        {cell.parts.map((part) => {
          const classes = ['token-bar', part.token % 2 ? 'token-odd' : 'token-even'];
          if (part.begins) classes.push('token-begins');
          if (part.ends) classes.push('token-ends');
          if (part.token === active) classes.push('token-active');
          return (
            <span
              key={part.token}
              class={classes.join(' ')}
              style={{ left: `${100 * part.from}%`, width: `${100 * (part.to - part.from)}%` }}
            />
          );
        })}
      </span>
    </span>
  );
}
