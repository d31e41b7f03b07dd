import { useState } from 'preact/hooks';
import { formatPercent, useText } from '../i18n';

interface LinesProps {
  pieces: string[];
  weights: number[][];
  query: number;
  chosenKey: number;
  hideFirst: boolean;
  onQuery: (query: number) => void;
  onKey: (key: number) => void;
}

const ROW = 34; // pixels
const WIDTH = 100; // of the drawing, stretched to the room there is
const LEAST = 0.02; // of a row's strongest weight: fainter lines are not drawn
const LEAST_BEHIND = 0.2; // the same for rows that are not looked at

/** Looking words left, looked-at words right, lines between them as strong as the attention. */
export function AttentionLines({ pieces, weights, query, chosenKey, hideFirst, onQuery, onKey }: LinesProps) {
  const t = useText();
  const [hovered, setHovered] = useState(-1);
  const shown = hovered >= 0 ? hovered : query;
  const row = weights[shown] ?? [];
  return (
    <div class="lines" style={{ '--row': `${ROW}px` }}>
      <WordColumn label={t('attention_from')} pieces={pieces} pressed={query} onChoose={onQuery} onHover={setHovered} />
      <svg
        class="lines-drawing"
        viewBox={`0 0 ${WIDTH} ${pieces.length * ROW}`}
        height={pieces.length * ROW}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {weights.map((line, from) =>
          from === shown ? null : <RowLines key={from} from={from} row={line} hideFirst={hideFirst} strong={false} />,
        )}
        <RowLines from={shown} row={row} hideFirst={hideFirst} strong />
      </svg>
      <WordColumn
        label={t('attention_to')}
        pieces={pieces}
        pressed={chosenKey}
        onChoose={onKey}
        strengths={row.map((weight, key) => (hideFirst && key === 0 && shown !== 0 ? 0 : weight))}
      />
    </div>
  );
}

function RowLines({ from, row, hideFirst, strong }: { from: number; row: number[]; hideFirst: boolean; strong: boolean }) {
  const most = Math.max(...row.map((weight, key) => (hideFirst && key === 0 && from !== 0 ? 0 : weight)), 1e-9);
  return (
    <g class={strong ? 'lines-strong' : 'lines-faint'}>
      {row.map((weight, key) => {
        if (weight < (strong ? LEAST : LEAST_BEHIND) * most || (hideFirst && key === 0 && from !== 0)) return null;
        const a = (from + 0.5) * ROW;
        const b = (key + 0.5) * ROW;
        return (
          <path
            key={key}
            d={`M0 ${a}C${WIDTH * 0.5} ${a} ${WIDTH * 0.5} ${b} ${WIDTH} ${b}`}
            vector-effect="non-scaling-stroke"
            style={{
              strokeWidth: strong ? 0.8 + 6 * weight : 0.6 + weight,
              opacity: strong ? 0.2 + 0.8 * (weight / most) : 0.35 * weight,
            }}
          />
        );
      })}
    </g>
  );
}

interface ColumnProps {
  label: string;
  pieces: string[];
  pressed: number;
  onChoose: (at: number) => void;
  onHover?: (at: number) => void;
  strengths?: number[];
}

/** One stop for Tab; the arrow keys move within. */
function WordColumn({ label, pieces, pressed, onChoose, onHover, strengths }: ColumnProps) {
  const stop = pressed >= 0 ? pressed : 0;
  const move = (event: KeyboardEvent, at: number) => {
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: pieces.length - 1 }[event.key];
    if (next === undefined || next < 0 || next >= pieces.length) return;
    event.preventDefault();
    onChoose(next);
    const list = (event.currentTarget as HTMLElement).closest('ul');
    (list?.children[next]?.firstElementChild as HTMLElement | null)?.focus();
  };
  return (
    <div class={strengths ? 'lines-column lines-keys' : 'lines-column lines-queries'}>
      <h3>{label}</h3>
      <ul role="listbox" aria-label={label} onMouseLeave={() => onHover?.(-1)}>
        {pieces.map((piece, at) => (
          <li key={at} role="presentation">
            <button
              type="button"
              role="option"
              aria-selected={at === pressed}
              class="lines-word"
              tabIndex={at === stop ? 0 : -1}
              style={strengths ? { '--strength': `${Math.round(100 * Math.min(1, strengths[at] ?? 0))}%` } : {}}
              onClick={() => onChoose(at)}
              onMouseEnter={() => onHover?.(at)}
              onKeyDown={(event) => move(event, at)}
            >
              {piece.trim() || '␣'}{' '}
              {strengths && (strengths[at] ?? 0) >= 0.005 && (
                <span class="lines-percent">{formatPercent(strengths[at] ?? 0)}</span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
