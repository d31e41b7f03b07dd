import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { getJson } from '../api/client';
import type { WordMap } from '../api/types';
import { useText } from '../i18n';
import { FailureNote } from '../ui/failure';
import { useTask } from '../ui/use_task';
import type { Window } from './map_math';
import { chooseLabels, fitPoints, moveWindow, nearestPoints, WHOLE, windowOfKey, zoomWindow } from './map_math';

export function MapView() {
  const t = useText();
  const { value, failure, run } = useTask<WordMap>();
  const load = () => run((signal) => getJson<WordMap>('/api/words/map', signal));
  useEffect(load, []);
  return (
    <>
      <p class="lead">{t('map_intro')}</p>
      {failure?.kind === 'missing' && <p class="note">{t('map_none')}</p>}
      {failure && failure.kind !== 'missing' && <FailureNote failure={failure} onRetry={load} />}
      {!value && !failure && <p class="muted">{t('loading')}</p>}
      {value && <WordPlane map={value} />}
    </>
  );
}

function WordPlane({ map }: { map: WordMap }) {
  const t = useText();
  const languages = useMemo(() => [...new Set(map.points.map((point) => point.language))].sort(), [map]);
  const [language, setLanguage] = useState('');
  const [wanted, setWanted] = useState('');
  const points = useMemo(
    () => fitPoints(map.points.filter((point) => !language || point.language === language)),
    [map, language],
  );
  const found = wanted.trim() ? points.findIndex((point) => point.word.toLowerCase() === wanted.trim().toLowerCase()) : -1;
  const near = found >= 0 ? nearestPoints(points, found, 8) : [];
  return (
    <div class="map">
      <div class="row">
        <label class="field field-inline">
          <span>{t('map_find')}</span>
          <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
        {languages.length > 1 && (
          <label class="field field-inline">
            <span>{t('map_language')}</span>
            <select value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
              <option value="">{t('map_all')}</option>
              {languages.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <p aria-live="polite" class="map-near">
        {found >= 0 && `${t('map_near', { word: points[found]!.word })}: ${near.map((at) => points[at]!.word).join(', ')}`}
        {found < 0 && wanted.trim() && t('map_unknown')}
      </p>
      <Plane points={points} found={found} near={near} languages={languages} onWord={setWanted} />
    </div>
  );
}

interface PlaneProps {
  points: WordMap['points']; // 0 to 1 both ways
  found: number;
  near: number[];
  languages: string[];
  onWord: (word: string) => void;
}

function Plane({ points, found, near, languages, onWord }: PlaneProps) {
  const t = useText();
  const [view, setView] = useState<Window>(WHOLE);
  const { element, width, height } = useDrawingSize();
  useEffect(() => setView(WHOLE), [points]);
  const important = useMemo(() => (found >= 0 ? [found, ...near] : []), [found, near.join()]);
  const labels = useMemo(
    () => new Set(chooseLabels(points, view, important, { width: 75 / width, height: 24 / height })),
    [points, view, important, width, height],
  );
  const order = useMemo(() => [...points.keys()].sort((a, b) => Number(labels.has(a)) - Number(labels.has(b))), [labels]); // words over dots
  const onKeyDown = (event: KeyboardEvent) => {
    const next = windowOfKey(view, event.key);
    if (!next) return;
    event.preventDefault();
    setView(next);
  };
  const drag = (event: PointerEvent) => {
    if (!(event.buttons & 1) || event.pointerType === 'touch') return;
    const box = (event.currentTarget as Element).getBoundingClientRect();
    setView((before) => moveWindow(before, -event.movementX / box.width, -event.movementY / box.height));
  };
  return (
    <div class="plane-frame">
      <svg
        class="plane"
        ref={element}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        tabIndex={0}
        aria-label={t('map_label', { n: points.length })}
        onKeyDown={onKeyDown}
        onPointerMove={drag}
      >
        {order.map((at) => {
          const point = points[at]!;
          const x = ((point.x - view.x) / view.size) * width;
          const y = ((point.y - view.y) / view.size) * height;
          if (x < -20 || x > width + 20 || y < -20 || y > height + 20) return null;
          const kind = at === found ? 'plane-found' : near.includes(at) ? 'plane-near' : '';
          const colour = `plane-${languages.indexOf(point.language) % 2}`;
          return (
            <g key={point.word + point.language} class={`plane-point ${colour} ${kind}`} onClick={() => onWord(point.word)}>
              <title>{point.word}</title>
              <circle cx={x} cy={y} r={at === found ? 7 : 4} />
              {labels.has(at) && <PlaneLabel x={x} y={y} word={point.word} />}
            </g>
          );
        })}
      </svg>
      <ZoomButtons view={view} onView={setView} />
    </div>
  );
}

function PlaneLabel({ x, y, word }: { x: number; y: number; word: string }) {
  return (
    <text x={x + 8} y={y + 5}>
      {word}
    </text>
  );
}

function ZoomButtons({ view, onView }: { view: Window; onView: (view: Window) => void }) {
  const t = useText();
  return (
    <div class="row">
      <button type="button" class="button" onClick={() => onView(zoomWindow(view, 1.5))}>
        {t('map_zoom_in')}
      </button>
      <button type="button" class="button" onClick={() => onView(zoomWindow(view, 1 / 1.5))}>
        {t('map_zoom_out')}
      </button>
      <button type="button" class="button" onClick={() => onView(WHOLE)}>
        {t('map_reset')}
      </button>
    </div>
  );
}

/** One unit of the drawing is one pixel, so that words stay readable on every screen. */
function useDrawingSize() {
  const element = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(1000);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(Math.round(entry.contentRect.width));
    });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return { element, width, height: Math.round(Math.max(420, width * 0.62)) };
}
