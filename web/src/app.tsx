import { useEffect, useRef, useState } from 'preact/hooks';
import { ChatView } from './chat/chat_view';
import { PassagePanel } from './chat/passage_panel';
import type { Key } from './i18n';
import { useText } from './i18n';
import { DocumentsView } from './knowledge/documents_view';
import { LookView } from './look/look_view';
import { applyTheme, followSystem, isDark } from './state/appearance';
import { announcement, info, loadCollections, loadInfo, route, ROUTES } from './state/session';
import type { Failure } from './state/conversations';
import { changeSettings, settings } from './state/settings';
import { useStore } from './state/store';
import { ResourcesView } from './tools/resources_view';
import { SettingsDialog } from './tools/settings_dialog';
import { ToolsView } from './tools/tools_view';
import { FailureNote } from './ui/failure';
import { Icon } from './ui/icon';
import { failureOf } from './ui/use_task';

const VIEWS = { chat: ChatView, documents: DocumentsView, tools: ToolsView, look: LookView, resources: ResourcesView };

export function App() {
  const t = useText();
  const { route: place } = useStore(route);
  const [showSettings, setShowSettings] = useState(false);
  const { failure, load } = useServer();
  useAppearance();
  useRouteFocus(place);
  const View = VIEWS[place];
  return (
    <>
      <a
        class="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {t('skip')}
      </a>
      <Header onSettings={() => setShowSettings(true)} />
      <div class="stage">
        <main id="main" tabIndex={-1} class={`main main-${place}`}>
          {failure && <FailureNote failure={failure} onRetry={load} />}
          <View />
        </main>
        <PassagePanel />
      </div>
      {showSettings && <SettingsDialog onClose={() => setShowSettings(false)} onSaved={load} />}
      <Announcer />
    </>
  );
}

function Header({ onSettings }: { onSettings: () => void }) {
  const t = useText();
  const { route: place } = useStore(route);
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [place]);
  return (
    <header class="top">
      <a class="wordmark" href="#/chat">
        <span lang="ko">온말</span> <span class="wordmark-latin">Onmal</span>
      </a>
      <nav ref={nav} aria-label={t('nav')} class="top-nav">
        <ul>
          {ROUTES.map((name) => (
            <li key={name}>
              <a href={`#/${name}`} aria-current={name === place ? 'page' : undefined}>
                {t(`nav_${name}` as Key)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="top-actions">
        <LanguageSwitch />
        <ThemeSwitch />
        <button type="button" class="icon-button" aria-label={t('settings')} title={t('settings')} onClick={onSettings}>
          <Icon name="settings" />
        </button>
      </div>
    </header>
  );
}

function LanguageSwitch() {
  const { language } = useStore(settings);
  const other = language === 'ko' ? 'en' : 'ko';
  const name = other === 'ko' ? '한국어' : 'English';
  return (
    <button type="button" class="text-button" lang={other} onClick={() => changeSettings({ language: other })}>
      {name}
    </button>
  );
}

function ThemeSwitch() {
  const t = useText();
  const { theme } = useStore(settings);
  const dark = isDark(theme);
  const label = t(dark ? 'theme_to_light' : 'theme_to_dark');
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      onClick={() => changeSettings({ theme: dark ? 'light' : 'dark' })}
    >
      <Icon name={dark ? 'sun' : 'moon'} />
    </button>
  );
}

/** Puts language and theme on the document; "system" follows the system while the page is open. */
function useAppearance(): void {
  const { language, theme } = useStore(settings);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    const apply = () => applyTheme(theme);
    apply();
    return followSystem(apply);
  }, [theme]);
}

/** A new view takes the focus, so that keyboard and screen reader go on there; the title says its name. */
function useRouteFocus(place: keyof typeof VIEWS): void {
  const t = useText();
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) document.getElementById('main')?.focus();
    first.current = false;
  }, [place]);
  const title = `${t(`nav_${place}` as Key)} – 온말`;
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function useServer(): { failure: Failure | undefined; load: () => void } {
  const [failure, setFailure] = useState<Failure>();
  const load = () => {
    loadInfo()
      .then(async () => {
        setFailure(undefined);
        if (info.get()?.features.knowledge) await loadCollections();
      })
      .catch((error: unknown) => setFailure(failureOf(error)));
  };
  useEffect(load, []);
  return { failure, load };
}

function Announcer() {
  const text = useStore(announcement);
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}
