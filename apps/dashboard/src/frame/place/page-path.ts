import { Observable } from '../../live/observable.ts';

/** What is needed of a browser's window. */
type AddressBar = Pick<Window, 'location' | 'history' | 'addEventListener'>;

/** The path of the open page, in step with the address bar in both directions; the query stays as it is. */
export function pagePath(window: AddressBar): Observable<string> {
  const { location, history } = window;
  const path = new Observable(location.pathname);
  window.addEventListener('popstate', () => path.set(location.pathname));
  path.subscribe(() => {
    if (path.get() !== location.pathname) history.pushState(null, '', path.get() + location.search);
  });
  return path;
}
