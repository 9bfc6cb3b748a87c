import { useAlertBell } from './browser-bell.ts';

/** Listens for new alerts from the first picture on, whatever panel or page is open. */
export function StandingBell() {
  useAlertBell();
  return null;
}
