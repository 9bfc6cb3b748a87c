import assert from 'node:assert/strict';

const PATIENCE_MS = 45_000;

/** Looks again as often as the disk may have changed; fails when it takes too long. */
export async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const late = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    assert.ok(performance.now() < late, `waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
