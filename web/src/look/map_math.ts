import type { WordMap } from '../api/types';

type Points = WordMap['points'];

/** The part of the unit square that is seen. */
export interface Window {
  x: number;
  y: number;
  size: number;
}

export const WHOLE: Window = { x: 0, y: 0, size: 1 };

/** Into the unit square, with a margin. */
export function fitPoints(points: Points): Points {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const scale = (values: number[]) => {
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    return (value: number) => (high > low ? 0.04 + (0.88 * (value - low)) / (high - low) : 0.5);
  };
  const scaleX = scale(xs);
  const scaleY = scale(ys);
  return points.map((point) => ({ ...point, x: scaleX(point.x), y: scaleY(point.y) }));
}

export function nearestPoints(points: Points, of: number, count: number): number[] {
  const from = points[of]!;
  const distance = (at: number) => (points[at]!.x - from.x) ** 2 + (points[at]!.y - from.y) ** 2;
  return points
    .map((_, at) => at)
    .filter((at) => at !== of)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, count);
}

/** Which words are written out: none over another, the important ones first. `room`: of one, as shares of the drawing. */
export function chooseLabels(
  points: Points,
  view: Window,
  important: number[],
  room: { width: number; height: number },
): number[] {
  const taken = new Set<string>();
  const cell = (at: number, dx: number, dy: number) => {
    const x = Math.floor((points[at]!.x - view.x) / view.size / room.width) + dx;
    const y = Math.floor((points[at]!.y - view.y) / view.size / room.height) + dy;
    return `${x}/${y}`;
  };
  const chosen: number[] = [];
  for (const at of [...important, ...points.keys()]) {
    const free = ![-1, 0, 1].some((dx) => [-1, 0, 1].some((dy) => taken.has(cell(at, dx, dy))));
    if (!free) continue;
    taken.add(cell(at, 0, 0));
    chosen.push(at);
  }
  return chosen;
}

export function moveWindow(view: Window, dx: number, dy: number): Window {
  const keep = (value: number) => Math.min(1 - view.size / 2, Math.max(-view.size / 2, value));
  return { ...view, x: keep(view.x + dx * view.size), y: keep(view.y + dy * view.size) };
}

/** About the middle. */
export function zoomWindow(view: Window, factor: number): Window {
  const size = Math.min(1, Math.max(0.02, view.size / factor));
  if (size === 1) return WHOLE;
  return { x: view.x + (view.size - size) / 2, y: view.y + (view.size - size) / 2, size };
}

/** Arrow keys move, plus and minus zoom, 0 shows all. */
export function windowOfKey(view: Window, key: string): Window | undefined {
  switch (key) {
    case 'ArrowLeft':
      return moveWindow(view, -0.2, 0);
    case 'ArrowRight':
      return moveWindow(view, 0.2, 0);
    case 'ArrowUp':
      return moveWindow(view, 0, -0.2);
    case 'ArrowDown':
      return moveWindow(view, 0, 0.2);
    case '+':
    case '=':
      return zoomWindow(view, 1.5);
    case '-':
      return zoomWindow(view, 1 / 1.5);
    case '0':
      return WHOLE;
    default:
      return undefined;
  }
}
