import type { Recording } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';

/** True for the address of a hub's database, false for a file. */
export const isAddress = (named: string): boolean => /^postgres(ql)?:\/\//.test(named);

/**
 * A recording by the name that people give it: a file, or `postgres://…?tenant=…`.
 *
 * @param hubDir where the hub of this machine keeps how its database is reached
 */
export async function openNamed(
  named: string,
  hubDir: string,
): Promise<{ readonly recording: Recording; readonly close: () => Promise<void> }> {
  if (isAddress(named)) {
    const { openRecordingAt } = await import('@sigma/hub');
    const { store, close } = await openRecordingAt(named, hubDir);
    return { recording: store, close };
  }
  const recording = openSqliteRecording(named);
  return { recording, close: () => recording.close() };
}
