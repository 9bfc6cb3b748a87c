/** Names of the marks that the page leaves in the browser's timeline, for whoever measures how fast it opens. */
const FIRST = 'sigma-first-picture';
const SOLID = 'sigma-solid-picture';
/** A site without robots has no picture with robots: what comes later is not kept waiting for one. */
const LONGEST_WAIT_MS = 1_500;

let tell: () => void = () => undefined;
const stands = new Promise<void>((resolve) => {
  tell = resolve;
});

/** The flat picture stands: robots are on it. */
export function firstPictureDrawn(): void {
  if (performance.getEntriesByName(FIRST).length === 0) performance.mark(FIRST);
  tell();
}

/** A page stands that has no picture of the site. */
export const firstPageStands = (): void => tell();

export function solidPictureDrawn(): void {
  if (performance.getEntriesByName(SOLID).length === 0) performance.mark(SOLID);
}

/** What is not needed for the first picture waits for it, so that it does not come between. */
export function afterFirstPicture(): Promise<void> {
  return Promise.race([stands, new Promise<void>((resolve) => setTimeout(resolve, LONGEST_WAIT_MS))]);
}
