import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './frame/door/app.tsx';
import type { Theme } from './frame/mission-control.tsx';
import { connectHub } from './live/hub.ts';
import { Observable } from './live/observable.ts';
import { TERRAINS } from './terrains/index.ts';

const THEME_KEY = 'sigma.theme';

/** Storage may be barred (private windows, policies); then the theme lasts as long as the page. */
function remembered(): Theme {
  try {
    return localStorage.getItem(THEME_KEY) === 'light' ? 'light' : 'dark';
  } catch {
    return 'dark';
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    return;
  }
}

const theme = new Observable<Theme>(remembered());
const wear = () => {
  document.documentElement.dataset['theme'] = theme.get();
};
wear();
theme.subscribe(() => {
  wear();
  remember(theme.get());
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App hub={connectHub(location.origin)} theme={theme} terrains={TERRAINS} />
  </StrictMode>,
);
