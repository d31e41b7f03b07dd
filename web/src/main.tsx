import { render } from 'preact';
import { App } from './app';
import { applyTheme } from './state/appearance';
import { followOtherTabs } from './state/conversations';
import { followLocation } from './state/session';
import { getSettings } from './state/settings';
import './styles/base.css';
import './styles/parts.css';
import './styles/chat.css';
import './styles/views.css';

/** A file that misses the drop zone must not replace the page. */
function ignoreStrayFiles(): void {
  for (const kind of ['dragover', 'drop'] as const) {
    addEventListener(kind, (event) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    });
  }
}

document.documentElement.lang = getSettings().language;
applyTheme(getSettings().theme); // before the first picture
followLocation();
followOtherTabs();
ignoreStrayFiles();
const root = document.getElementById('app');
if (root) render(<App />, root);
