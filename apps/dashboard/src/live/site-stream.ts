import type { WatchSiteResponse } from '@sigma/proto';
import type { LiveSite } from './live-site.ts';

/** How the page stands with the hub. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Nothing heard for longer than the stall limit, or the stream broke; `attempt` counts from 1. */
  | { readonly state: 'reconnecting'; readonly attempt: number; readonly reason: string }
  /** The hub refuses this session: sign in again. */
  | { readonly state: 'signed_out' };

/** What the stream needs from outside: a clock that never runs backwards, waiting, and chance for the jitter. */
export interface StreamPorts {
  /** `resume`: how far the page had heard, as the hub put it; the stream then begins with what changed since. */
  readonly watch: (follow: readonly string[], resume: string, signal: AbortSignal) => AsyncIterable<WatchSiteResponse>;
  readonly nowMs: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly chance: () => number;
  /** Why the stream broke, in a few words. */
  readonly reason: (error: unknown) => string;
  /** True when the error says that the session is over. */
  readonly refused: (error: unknown) => boolean;
}

/** No message for this long: the stream is as good as broken and is opened anew. */
export const STALL_MS = 5_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;

/** Wait before attempt `attempt` (from 1): doubling from 250 ms to 8 s, by half of it at random against stampedes. */
export function backoffMs(attempt: number, chance: number): number {
  const whole = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 10));
  return whole / 2 + (whole / 2) * chance;
}

/**
 * Keeps one stream of the site open: folds what comes, reopens what breaks or stalls, and changes whom it follows
 * without a gap on the screen. Everything on the page that is live comes through here.
 */
export class SiteStream {
  readonly #live: LiveSite;
  readonly #ports: StreamPorts;
  #connection: Connection = { state: 'connecting' };
  #listeners = new Set<() => void>();
  #follow: readonly string[] = [];
  #resume = '';
  #current: AbortController | undefined;
  #stopped = new AbortController();
  #refollow = false;

  constructor(live: LiveSite, ports: StreamPorts) {
    this.#live = live;
    this.#ports = ports;
  }

  get connection(): Connection {
    return this.#connection;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whose decisions, paths and scans come along. */
  follow(agentIds: readonly string[]): void {
    if (agentIds.length === this.#follow.length && agentIds.every((id, k) => id === this.#follow[k])) return;
    this.#follow = [...agentIds];
    this.#refollow = true;
    this.#current?.abort();
  }

  stop(): void {
    this.#stopped.abort();
    this.#current?.abort();
  }

  /** Runs until `stop`, or until the hub says that the session is over. */
  async run(): Promise<void> {
    this.#stopped = new AbortController();
    const stopped = this.#stopped.signal;
    let attempt = 0;
    while (!stopped.aborted) {
      const outcome = await this.#once(() => {
        attempt = 0;
        this.#become({ state: 'live' });
      });
      if (stopped.aborted) return;
      if (outcome.kind === 'refused') return this.#become({ state: 'signed_out' });
      if (outcome.kind === 'refollow') continue;
      attempt++;
      this.#become({ state: 'reconnecting', attempt, reason: outcome.reason });
      await this.#ports.wait(backoffMs(attempt, this.#ports.chance()), stopped).catch(() => undefined);
    }
  }

  async #once(
    heard: () => void,
  ): Promise<{ kind: 'refollow' } | { kind: 'refused' } | { kind: 'broken'; reason: string }> {
    const current = new AbortController();
    this.#current = current;
    this.#refollow = false;
    let stalled = false;
    const watchdog = this.#watch(current, () => {
      stalled = true;
    });
    try {
      for await (const message of this.#ports.watch(this.#follow, this.#resume, current.signal)) {
        watchdog.fed();
        if (this.#live.fold(message, this.#ports.nowMs()) === 'unknown_roster') {
          this.#resume = '';
          return { kind: 'broken', reason: 'the hub spoke of robots it had not named' };
        }
        this.#resume = message.resume;
        heard();
      }
      if (this.#refollow) return { kind: 'refollow' };
      return { kind: 'broken', reason: 'the hub ended the stream' };
    } catch (error) {
      if (this.#refollow) return { kind: 'refollow' };
      if (this.#ports.refused(error)) return { kind: 'refused' };
      if (stalled) return { kind: 'broken', reason: 'the stream fell silent' };
      return { kind: 'broken', reason: this.#ports.reason(error) };
    } finally {
      current.abort();
    }
  }

  /** Aborts the stream once it has been silent for the stall limit. */
  #watch(current: AbortController, stall: () => void): { fed: () => void } {
    let last = this.#ports.nowMs();
    const run = async () => {
      while (!current.signal.aborted) {
        const silence = this.#ports.nowMs() - last;
        if (silence >= STALL_MS) {
          stall();
          current.abort();
          return;
        }
        await this.#ports.wait(STALL_MS - silence, current.signal);
      }
    };
    run().catch(() => undefined);
    return {
      fed: () => {
        last = this.#ports.nowMs();
      },
    };
  }

  #become(connection: Connection): void {
    if (connection.state === 'live' && this.#connection.state === 'live') return;
    this.#connection = connection;
    for (const listener of [...this.#listeners]) listener();
  }
}
