/** One figure, beside what ran next to it in the same run. */
export interface BenchLine {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What ran beside it; empty where the target stands by itself. */
  readonly peer: string;
  readonly peerValue: number | null;
  /** value / peerValue. */
  readonly ratio: number | null;
  /** In words, as the issue states it. */
  readonly target: string;
  readonly pass: boolean;
}

/** A figure that is judged by itself: `pass` when it is at least, or at most, the target. */
export function absolute(name: string, value: number, unit: string, bound: '>=' | '<=', target: number): BenchLine {
  const pass = bound === '>=' ? value >= target : value <= target;
  return {
    name,
    value: rounded(value),
    unit,
    peer: '',
    peerValue: null,
    ratio: null,
    target: `${bound} ${target} ${unit}`,
    pass,
  };
}

/** The same, with a peer shown beside it. */
export function beside(line: BenchLine, peer: string, peerValue: number): BenchLine {
  return { ...line, peer, peerValue: rounded(peerValue), ratio: rounded(line.value / peerValue) };
}

/** A figure that is judged by its ratio to a peer. */
export function relative(
  name: string,
  value: number,
  unit: string,
  peer: string,
  peerValue: number,
  bound: '>=' | '<=',
  target: number,
): BenchLine {
  const ratio = value / peerValue;
  const pass = bound === '>=' ? ratio >= target : ratio <= target;
  const words = `${bound} ${target} of ${peer}`;
  return {
    name,
    value: rounded(value),
    unit,
    peer,
    peerValue: rounded(peerValue),
    ratio: rounded(ratio),
    target: words,
    pass,
  };
}

/** Four digits that mean something. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value;
}
