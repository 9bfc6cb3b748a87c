/** Nothing takes an edge this long, on however busy a machine. */
export const PATIENCE_MS = 45_000;
const LOOKS_EVERY_MS = 10;

/** Looks again and again until it is so; otherwise says what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const late = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > late) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY_MS));
  }
}
