import { useEffect, useMemo, useState } from 'preact/hooks';
import { postJson } from '../api/client';
import type { AttentionMap } from '../api/types';
import { formatPercent, useText } from '../i18n';
import { attentionText, info } from '../state/session';
import { getSettings } from '../state/settings';
import { useStore } from '../state/store';
import { Choice, Slider } from '../ui/choice';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';
import { AttentionLines } from './attention_lines';
import { findPiece, layerWeights, MEAN, strongestFarLink, strongestHead, strongestKey } from './attention_math';
import { HeadGrid } from './head_grid';
import { LookForm } from './look_form';

interface Place {
  layer: number;
  head: number; // MEAN: all
}

type Level = 'word' | 'syllable' | 'token';

export function AttentionView() {
  const t = useText();
  const server = useStore(info);
  const handed = useStore(attentionText);
  const [text, setText] = useState(handed?.text ?? t('attention_example'));
  const [level, setLevel] = useState<Level>('word');
  const { value, failure, running, run } = useTask<AttentionMap>();
  const show = (wanted = level) =>
    run((signal) => {
      const model = getSettings().model;
      return postJson<AttentionMap>('/api/attend', { text, level: wanted, ...(model ? { model } : {}) }, signal);
    });
  useEffect(() => {
    attentionText.set(null);
    show();
  }, []);
  if (server && server.features.attention === false) return <p class="note">{t('attention_off')}</p>;
  return (
    <>
      <p class="lead">{t('attention_intro')}</p>
      <LookForm label={t('look_sentence')} value={text} onInput={setText} onShow={() => show()} running={running}>
        <Choice<Level>
          label={t('attention_level')}
          value={level}
          onChange={(next) => {
            setLevel(next);
            show(next);
          }}
          options={[
            { value: 'word', label: t('attention_level_word') },
            { value: 'syllable', label: t('attention_level_syllable') },
            { value: 'token', label: t('attention_level_token') },
          ]}
        />
      </LookForm>
      {failure && <FailureNote failure={failure} onRetry={() => show()} />}
      {value && value.pieces.length < 2 && <p class="note">{t('attention_too_few')}</p>}
      {value && value.pieces.length >= 2 && (
        <AttentionStage key={`${value.layers}/${value.heads}/${value.pieces.join('|')}`} map={value} word={t('attention_word')} />
      )}
    </>
  );
}

function AttentionStage({ map, word }: { map: AttentionMap; word: string }) {
  const t = useText();
  const start = useMemo(() => firstLook(map, word), [map]);
  const [place, setPlace] = useState<Place>({ layer: start.layer, head: start.head });
  const [query, setQuery] = useState(start.query);
  const [chosenKey, setChosenKey] = useState(-1);
  const [hideFirst, setHideFirst] = useState(true);
  const weights = useMemo(() => layerWeights(map, place.layer, place.head), [map, place]);
  const key = chosenKey >= 0 ? chosenKey : strongestKey(weights, query, hideFirst);
  const name = (at: number) => map.pieces[at]?.trim() ?? '';
  const pair = { from: name(query), to: name(key) };
  const choose = (next: number) => {
    setQuery(next);
    setChosenKey(-1);
  };
  return (
    <div class="attention">
      <Controls map={map} place={place} onPlace={setPlace} hideFirst={hideFirst} onHideFirst={setHideFirst} />
      <div class="attention-body">
        <AttentionLines
          pieces={map.pieces}
          weights={weights}
          query={query}
          chosenKey={key}
          hideFirst={hideFirst}
          onQuery={choose}
          onKey={setChosenKey}
        />
        <div class="attention-side">
          <p aria-live="polite" class="attention-words">
            {t('attention_sums', { from: pair.from, list: strongestWords(map.pieces, weights[query] ?? [], query, hideFirst) })}
          </p>
          {key >= 0 && (
            <>
              <button type="button" class="button" onClick={() => setPlace(strongestHead(map, query, key))}>
                {t('attention_strongest', pair)}
              </button>
              <HeadGrid map={map} query={query} target={key} place={place} onPlace={setPlace} label={t('attention_grid', pair)} />
            </>
          )}
        </div>
      </div>
    </div>
  );
}

interface ControlsProps {
  map: AttentionMap;
  place: Place;
  onPlace: (place: Place) => void;
  hideFirst: boolean;
  onHideFirst: (hide: boolean) => void;
}

function Controls({ map, place, onPlace, hideFirst, onHideFirst }: ControlsProps) {
  const t = useText();
  return (
    <div class="attention-controls">
      <Slider
        label={t('attention_layer')}
        value={place.layer}
        min={0}
        max={map.layers - 1}
        step={1}
        shown={`${place.layer + 1} / ${map.layers}`}
        onChange={(layer) => onPlace({ ...place, layer })}
      />
      <label class="field field-inline">
        <span>{t('attention_head')}</span>
        <select value={String(place.head)} onChange={(event) => onPlace({ ...place, head: Number(event.currentTarget.value) })}>
          <option value={String(MEAN)}>{t('attention_mean')}</option>
          {Array.from({ length: map.heads }, (_, head) => (
            <option key={head} value={String(head)}>
              {head + 1}
            </option>
          ))}
        </select>
      </label>
      <label class="check" title={t('attention_first_note')}>
        <input type="checkbox" checked={hideFirst} onChange={(event) => onHideFirst(event.currentTarget.checked)} />
        {t('attention_first')}
      </label>
    </div>
  );
}

/** The word of the example if it is there, else the last; and its strongest link to a word further away. */
function firstLook(map: AttentionMap, word: string): { query: number; layer: number; head: number } {
  const found = findPiece(map.pieces, word);
  const query = found > 0 ? found : map.pieces.length - 1;
  const far = strongestFarLink(map, query);
  return far ? { query, layer: far.layer, head: far.head } : { query, layer: 0, head: MEAN };
}

function strongestWords(pieces: string[], row: number[], query: number, hideFirst: boolean): string {
  return row
    .map((weight, key) => ({ weight, key }))
    .filter(({ key, weight }) => weight > 0.005 && !(hideFirst && key === 0 && query !== 0))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, 5)
    .map(({ weight, key }) => `${pieces[key]!.trim()} ${formatPercent(weight)}`)
    .join(', ');
}
