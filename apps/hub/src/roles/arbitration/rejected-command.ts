import { type HubRecord, signal } from './hub-record.ts';
import type { JsonObject } from './merge-patch.ts';

/** A command was given on a picture that no longer holds: it is on record as rejected, and nothing came of it. */
export class CommandRejectedError extends Error {
  override readonly name = 'CommandRejectedError';
}

export interface RejectedCommand {
  /** What it was to change: `mission/m-1`, `fence/f-1`, `agent/r1`, `lease/r1`. */
  readonly target: string;
  /** What it was to do. */
  readonly command: string;
  readonly by: string;
  /** What it took to be so. */
  readonly expects: JsonObject[string];
  /** What is so instead. */
  readonly reason: string;
}

/** Puts a command on record that is not carried out (recorder/SPEC.md R129). @throws NotRecordedError */
export async function recordRejected(record: HubRecord, { target, ...body }: RejectedCommand): Promise<void> {
  await record.append(signal('hub.command_rejected', target, body));
}
