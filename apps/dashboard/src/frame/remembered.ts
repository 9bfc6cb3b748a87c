/** Storage of this browser, or null where it is barred (private windows, policies). */
export function storageHere(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** What was kept under the key, or undefined when there is nothing that can be read. */
export function recall(key: string): unknown {
  try {
    const text = storageHere()?.getItem(key);
    return text === null || text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps it as long as the browser does; where storage is barred or full, as long as the page. */
export function keep(key: string, value: unknown): void {
  try {
    storageHere()?.setItem(key, JSON.stringify(value));
  } catch {
    return;
  }
}

/** Under this key a browser remembers that somebody was shown around. */
export const TOUR_KEY = 'sigma.tour';
