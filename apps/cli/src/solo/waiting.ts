import { CommandError, EXIT } from '../outcome.ts';
import type { Shell } from '../shell.ts';

/**
 * Waits until the time is over or a person ends it (both are a regular end), or until something fails.
 *
 * @param seconds absent: without end
 * @throws CommandError with the reason of what failed
 */
export async function untilEnd(
  shell: Shell,
  seconds: number | undefined,
  failures: readonly Promise<string>[],
): Promise<void> {
  const { interrupted } = shell;
  if (interrupted.aborted) return;
  let over = (): void => undefined;
  const end = new Promise<null>((resolve) => {
    over = () => resolve(null);
    interrupted.addEventListener('abort', over, { once: true });
  });
  const timer = seconds === undefined ? null : setTimeout(() => over(), seconds * 1000);
  const alive = setInterval(() => undefined, 60_000);
  try {
    const reason = await Promise.race([end, ...failures]);
    if (reason !== null) throw new CommandError(EXIT.machine, reason, '`sigma doctor` looks at this machine');
  } finally {
    if (timer !== null) clearTimeout(timer);
    clearInterval(alive);
    interrupted.removeEventListener('abort', over);
  }
}

/** `20261121-084500`, for names of files. */
export const stampOf = (date: Date): string => date.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
