import { createContext, useContext } from 'react';
import type { SiteView } from '../../live/site-view.ts';

/** The life on the other map. */
export const Other = createContext<SiteView | null>(null);
export const useOtherLife = (): SiteView | null => useContext(Other);
