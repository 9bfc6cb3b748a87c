/** What a file and its reading may take: a file is hostile until it has been read. */
export interface ImportBounds {
  /** Of one file. */
  readonly fileBytes: number;
  /** Of one piece of it. */
  readonly pieceBytes: number;
  readonly imports: number;
  /** Files of which not all has come, at a time. */
  readonly receiving: number;
  /** A file of which nothing has come for so long is given up. */
  readonly idleUs: number;
  /** Of all recordings that were made of files. */
  readonly keptBytes: number;
  /** Of one file; what follows is left out. */
  readonly events: number;
  readonly lanes: number;
  /** Of one chunk of an MCAP file, and of all its chunks, when they are unpacked. */
  readonly chunkBytes: number;
  readonly unpackedBytes: number;
  /** Of the recording that is made of it. */
  readonly recordingBytes: number;
  /** Of one event that is decoded; a longer one is told by its size. */
  readonly decodedBytes: number;
  readonly convertMs: number;
  readonly answerMs: number;
}

const MIB = 1_048_576;

export const IMPORT_BOUNDS: ImportBounds = {
  fileBytes: 500_000_000,
  pieceBytes: 4 * MIB,
  imports: 50,
  receiving: 4,
  idleUs: 600_000_000,
  keptBytes: 16_384 * MIB,
  events: 2_000_000,
  lanes: 500,
  chunkBytes: 64 * MIB,
  unpackedBytes: 2_048 * MIB,
  recordingBytes: 2_048 * MIB,
  decodedBytes: 4 * MIB,
  convertMs: 300_000,
  answerMs: 15_000,
};

/** A part of a file that could not be taken. */
export interface Omission {
  readonly where: string;
  readonly why: string;
}

/** Makes a recording of a file, and the lanes in which it is shown. */
export interface ConvertJob {
  readonly type: 'convert';
  /** Where the bytes lie that were received. */
  readonly upload: string;
  readonly recording: string;
  readonly lanes: string;
  readonly tenant: string;
  /** Of the source that it becomes, without the mark that it is imported. */
  readonly source: string;
  /** What the opening calls the file. */
  readonly file: string;
  /** Microseconds since 1970. */
  readonly importedUs: number;
  readonly bounds: ImportBounds;
}

export interface LaneSummary {
  readonly topic: string;
  readonly kind: string;
  readonly encoding: string;
  readonly events: number;
  /** Wall clock as the file has it, microseconds since 1970. */
  readonly fromUs: number;
  readonly toUs: number;
  /** Why its events cannot be decoded; empty where they can. */
  readonly unread: string;
}

export interface Converted {
  readonly format: 'mcap' | 'cloudevents';
  readonly events: number;
  readonly untimed: number;
  readonly fromUs: number;
  readonly toUs: number;
  /** Site head, hexadecimal. */
  readonly head: string;
  readonly lanes: readonly LaneSummary[];
  readonly leftOut: readonly Omission[];
}

/** Which import a question is about. */
interface OfImport {
  readonly recording: string;
  readonly lanes: string;
  /** Lanes that are asked for; empty: all. */
  readonly only: readonly number[];
}

export interface CountJob extends OfImport {
  readonly type: 'count';
  readonly fromUs: number;
  /** Exclusive. */
  readonly toUs: number;
  readonly stretches: number;
}

export interface MomentJob extends OfImport {
  readonly type: 'moment';
  readonly timeUs: number;
  readonly characters: number;
  readonly decodedBytes: number;
}

export interface FindJob extends OfImport {
  readonly type: 'find';
  readonly timeUs: number;
  readonly onward: boolean;
}

export type ReadJob = CountJob | MomentJob | FindJob;

export interface CountedLane {
  readonly lane: number;
  readonly counts: readonly number[];
}

export interface LaneValue {
  readonly lane: number;
  readonly timeUs: number;
  readonly number: number;
  readonly text: string;
  readonly cut: boolean;
  readonly unread: string;
}

/** Where something was, as far as it lies on a floor: metres, and radians from the x axis to the left. */
export interface FoundPlace {
  readonly lane: number;
  readonly name: string;
  /** That its place is given in, after all transforms of the file. */
  readonly frame: string;
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly timeUs: number;
  /** Seen from there: x and y in turn. */
  readonly pointsM: readonly number[];
}

export interface Moment {
  readonly values: readonly LaneValue[];
  readonly places: readonly FoundPlace[];
}

export interface FoundEvent {
  readonly lane: number;
  readonly timeUs: number;
}

/** What the process says that reads files. */
export type FromImportProcess =
  | { readonly type: 'progress'; readonly events: number }
  | { readonly type: 'answer'; readonly answer: Converted | readonly CountedLane[] | Moment | FoundEvent | null }
  /** `refused`: the file is not what it should be, and the words say in what. */
  | { readonly type: 'failed'; readonly refused: boolean; readonly words: string };

/** The file cannot be taken as it is. */
export class RefusedFileError extends Error {
  constructor(words: string) {
    super(words);
    this.name = 'RefusedFileError';
  }
}
