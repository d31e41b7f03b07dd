import { render } from 'preact';
import { App } from './app';
import { followLocation } from './state/session';
import './styles/base.css';
import './styles/parts.css';
import './styles/chat.css';
import './styles/views.css';

followLocation();
const root = document.getElementById('app');
if (root) render(<App />, root);
