/** Time as the hub's roles see it; the simulator brings its own. */
export interface Clock {
  /** Wall time, microseconds since 1970. Never goes back. */
  nowUs(): number;
  /** Runs once, `us` from now. @returns how to call it off. */
  after(us: number, run: () => void): () => void;
  /** Runs every `us`. @returns how to end it. */
  every(us: number, run: () => void): () => void;
  /** Runs as soon as what is under way has ended, in order. */
  soon(run: () => void): void;
}

export function systemClock(): Clock {
  let last = 0;
  return {
    nowUs: () => {
      last = Math.max(last, Math.floor((performance.timeOrigin + performance.now()) * 1000));
      return last;
    },
    after: (us, run) => {
      const timer = setTimeout(run, us / 1000);
      return () => clearTimeout(timer);
    },
    every: (us, run) => {
      const timer = setInterval(run, us / 1000);
      timer.unref();
      return () => clearInterval(timer);
    },
    soon: (run) => void setImmediate(run),
  };
}
