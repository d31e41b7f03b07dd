import type { AttentionMap } from '../api/types';
import { pairWeight } from './attention_math';

interface GridProps {
  map: AttentionMap;
  query: number;
  target: number;
  place: { layer: number; head: number };
  onPlace: (place: { layer: number; head: number }) => void;
  label: string;
}

const CELL = 16;

/** Layers by heads for one pair of words. For the mouse; layer and head have controls of their own. */
export function HeadGrid({ map, query, target, place, onPlace, label }: GridProps) {
  const cells = [];
  for (let layer = 0; layer < map.layers; layer += 1) {
    for (let head = 0; head < map.heads; head += 1) {
      const weight = pairWeight(map, layer, head, query, target);
      const current = place.layer === layer && (place.head === head || place.head < 0);
      cells.push(
        <rect
          key={`${layer}/${head}`}
          x={head * CELL + 1}
          y={layer * CELL + 1}
          width={CELL - 2}
          height={CELL - 2}
          class={current ? 'grid-cell grid-current' : 'grid-cell'}
          style={{ fillOpacity: 0.06 + 0.94 * Math.sqrt(weight) }}
          onClick={() => onPlace({ layer, head })}
        />,
      );
    }
  }
  return (
    <figure class="head-grid">
      <svg
        viewBox={`0 0 ${map.heads * CELL} ${map.layers * CELL}`}
        style={{ width: `${map.heads * CELL * 1.25}px` }}
        aria-hidden="true"
      >
        {cells}
      </svg>
      <figcaption class="muted small">{label}</figcaption>
    </figure>
  );
}
