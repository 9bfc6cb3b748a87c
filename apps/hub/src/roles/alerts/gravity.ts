const ADVISORY = 2;
const WARNING = 3;
const CRITICAL = 4;

/** How urgently a failsafe needs a person: what ends by itself needs none, what only a person ends needs one soon. */
export function gravity(clear: string): number {
  if (clear === 'when_clears') return ADVISORY;
  return clear === 'on_acknowledge' || clear === 'on_mode_change' ? WARNING : CRITICAL;
}
