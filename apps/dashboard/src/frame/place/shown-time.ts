/** The moment that the whole page shows. */
export type ShownTime =
  | { readonly kind: 'live' }
  /** `atUs`: the hub's time, microseconds since 1970 (whole; below 2^53 until the year 2255). */
  | { readonly kind: 'past'; readonly atUs: number };
