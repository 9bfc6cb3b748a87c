import { useSyncExternalStore } from 'react';

const NARROW = '(max-width: 1000px)';
const WIDE = '(min-width: 1900px)';

/** Whether the window is too narrow for panels beside each other. */
export const useNarrow = (): boolean => useMedia(NARROW);

/** Whether it has room for a page and for what explains the selection, or the site, beside it. */
export const useWide = (): boolean => useMedia(WIDE);

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(query);
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    () => window.matchMedia(query).matches,
  );
}
