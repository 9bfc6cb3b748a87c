import type { ChainHead, NoteKey, VerifyProgress, VerifyReport } from '@sigma/recorder';
import type { Environment } from '../environment.ts';

/** What is verified, and against what: all of it can be handed to a thread. */
export interface VerifyTask {
  readonly place: Pick<Environment, 'dataDir' | 's3'>;
  /** A file, a database's address or an archive, as `withRecording` takes it. */
  readonly named: string;
  /** Signed checkpoints that the recording must meet. */
  readonly notes: readonly string[];
  /** Keys that are trusted; without any, checkpoints are not looked at. */
  readonly keys: readonly NoteKey[];
}

/** To a thread: every epoch of one source, each up to the end that was seen when verifying began. */
export interface VerifyShare {
  readonly heads: readonly ChainHead[];
}

/** From a thread. Failing to read is told as text: who asked reads that source again and meets the error itself. */
export type VerifyAnswer =
  | { readonly type: 'progress'; readonly progress: VerifyProgress }
  | { readonly type: 'report'; readonly report: VerifyReport }
  | { readonly type: 'failed' };
