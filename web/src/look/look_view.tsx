import type { Key } from '../i18n';
import { useText } from '../i18n';
import { route } from '../state/session';
import { useStore } from '../state/store';
import { AttentionView } from './attention_view';
import { MapView } from './map_view';
import { NextView } from './next_view';
import { TokensView } from './tokens_view';

const PARTS = { attention: AttentionView, next: NextView, map: MapView, tokens: TokensView };
type Part = keyof typeof PARTS;

export function LookView() {
  const t = useText();
  const { part } = useStore(route);
  const place: Part = part in PARTS ? (part as Part) : 'attention';
  const View = PARTS[place];
  return (
    <div class="page page-wide">
      <h1>{t('look_title')}</h1>
      <nav class="sub-nav" aria-label={t('look_parts')}>
        <ul>
          {(Object.keys(PARTS) as Part[]).map((name) => (
            <li key={name}>
              <a href={`#/look/${name}`} aria-current={name === place ? 'page' : undefined}>
                {t(`look_${name}` as Key)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <View />
    </div>
  );
}
