/** One channel of a recorded file: names of its numbers. */
export interface FeedChannel {
  readonly channel: string;
  readonly fields: readonly string[];
}

export interface FeedFrame {
  readonly channel: string;
  /** Wall time, microseconds since 1970. */
  readonly timeUs: number;
  /** In the order of the channel's fields; NaN where there is no reading. */
  readonly values: readonly number[];
}

/** What a file holds, piece by piece: a channel is told before its first frame. */
export type FeedPiece =
  | { readonly type: 'channel'; readonly channel: FeedChannel }
  | { readonly type: 'frame'; readonly frame: FeedFrame }
  /** Something in the file that is no telemetry, and why. */
  | { readonly type: 'skipped'; readonly reason: string };

/** Ids travel in URLs and bus subjects: lower case, and nothing but letters, digits, dots, dashes and underscores. */
export function idOf(text: string): string {
  const id = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return id === '' ? 'feed' : id;
}
