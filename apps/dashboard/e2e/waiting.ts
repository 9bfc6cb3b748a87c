/** Nothing a test waits for takes this long, on however busy a machine. */
export const PATIENCE_MS = 45_000;
const LOOKS_EVERY_MS = 50;
/** As many looks in a row that saw the same. */
const STEADY_LOOKS = 10;

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY_MS));

/** Waits until it is so; says at last that it never was. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`it never came so: ${holds}`);
    await pause();
  }
}

/** Waits until a value no longer changes, and gives it. */
export async function steady<Value>(look: () => Value | Promise<Value>): Promise<Value> {
  const until = performance.now() + PATIENCE_MS;
  let value = await look();
  for (let same = 0; same < STEADY_LOOKS; ) {
    await pause();
    const next = await look();
    same = next === value ? same + 1 : 0;
    value = next;
    if (performance.now() > until) throw new Error(`it never came to rest: ${look}`);
  }
  return value;
}
