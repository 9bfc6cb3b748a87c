import type { Mark } from '@sigma/proto';
import type { ShownTime } from '../frame/place/shown-time.ts';
import type { LiveSite } from '../live/live-site.ts';
import { Observable } from '../live/observable.ts';
import type { ShownSite } from '../live/shown-site.ts';
import type { PastEngine } from './past-engine.ts';
import { PastSite } from './past-site.ts';

/** How fast the past is played, times real time. */
export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16] as const;

/** What a step goes to. */
export type StepKind = 'decision' | 'trouble';

const STEP_KINDS: Readonly<Record<StepKind, readonly string[]>> = {
  decision: ['decision'],
  trouble: ['violation', 'failsafe', 'stop'],
};

export interface TimePorts {
  readonly now: LiveSite;
  readonly shown: ShownSite;
  readonly engine: PastEngine;
  readonly nowMs: () => number;
  /** Whose film comes first, and whose decisions a step goes to; null: everybody's. */
  readonly followed: () => string | null;
  /** The nearest mark of these kinds after (or before) a moment, or null. */
  readonly nearestMark: (
    kinds: readonly string[],
    agentId: string,
    atUs: number,
    onward: boolean,
  ) => Promise<Mark | null>;
  /** Calls a function every so many milliseconds until the returned one is called. */
  readonly every: (ms: number, run: () => void) => () => void;
  readonly later: (ms: number, run: () => void) => void;
}

const TICK_MS = 100;
/** Tables and lists hear of a moment that moves at most this often; the map draws every frame. */
const TELL_MS = 150;
/** New film is looked at this often: a picture drawn for every robot that is ready would hold up the others. Most moments
 * are complete sooner, and complete ones are shown at once. Tables wait as long for a moment that is being computed. */
const FILM_MS = 400;
/** While a person drags, no more than one moment in this time is asked of the workers. */
const ASK_GAP_MS = 60;
const AHEAD_US = 10_000_000;
const BEHIND_US = 10_000_000;
/** The newest seconds are still on their way to the record: what is held near the present is asked for again. */
const RECORD_LAG_MS = 1_500;
const RECORD_TRIES = 8;
/** Nearer than this to the present, playing catches up with it. */
const CATCH_UP_US = 1_500_000;

/**
 * Which moment the page shows, and how it goes on. All times are the hub's, counted on with the page's monotonic clock:
 * the browser's wall clock has no say.
 */
export class TimeMachine {
  readonly shown = new Observable<ShownTime>({ kind: 'live' });
  readonly playing = new Observable(false);
  readonly speed = new Observable<number>(1);
  readonly past: PastSite;
  readonly #ports: TimePorts;
  #anchorUs = 0;
  #anchorMs = 0;
  #stopTicking: (() => void) | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #askDue = false;
  #triedUs = 0;
  #tries = 0;
  #stepped: { readonly to: string; readonly of: string } | undefined;

  constructor(ports: TimePorts) {
    this.#ports = ports;
    const { engine, now, later } = ports;
    this.past = new PastSite(engine, now, (nowMs) => this.#playheadUs(nowMs), {
      tell: (run) => later(engine.progress.get()?.state === 'working' ? FILM_MS : TELL_MS, run),
      refresh: (run) => later(FILM_MS, run),
    });
    engine.progress.subscribe(() => this.#askForTheRest());
    // After the past itself has heard of it.
    engine.subscribe(() => {
      if (this.isPast && engine.progress.get()?.state === 'settled') this.#ports.shown.show(this.past);
    });
  }

  get isPast(): boolean {
    return this.shown.get().kind === 'past';
  }

  /** The shown moment, microseconds; 0 before the hub has spoken. */
  get atUs(): number {
    return this.isPast ? this.#playheadUs(this.#ports.nowMs()) : Number(this.#ports.now.timeUs);
  }

  goLive(): void {
    this.#stop();
    this.#ports.shown.show(this.#ports.now);
    this.shown.set({ kind: 'live' });
  }

  /** Shows that moment, standing still; the present where it lies before us. */
  seek(atUs: number): void {
    const latest = Number(this.#ports.now.timeUs);
    const from = this.#ports.engine.range.get()?.fromUs ?? Number.NEGATIVE_INFINITY;
    this.#anchor(Math.round(Math.max(from, latest > 0 ? Math.min(atUs, latest) : atUs)));
    this.#ask();
    this.#show();
  }

  /** Live: holds the picture at this moment. Past: plays on, or pauses. */
  toggle(): void {
    if (!this.isPast) this.seek(Number(this.#ports.now.timeUs));
    else if (this.playing.get()) this.pause();
    else this.play();
  }

  play(): void {
    if (!this.isPast) return;
    this.#anchor(this.#anchorUs);
    this.playing.set(true);
    this.#askedMs = Number.NEGATIVE_INFINITY;
    this.#stopTicking ??= this.#ports.every(TICK_MS, () => this.#tick());
    this.#tick();
  }

  pause(): void {
    const at = this.atUs;
    this.#stop();
    this.#anchor(at);
    this.#show();
  }

  setSpeed(speed: number): void {
    this.#anchor(this.#playheadUs(this.#ports.nowMs()));
    this.speed.set(Math.min(16, Math.max(0.1, speed)));
  }

  /** One speed up or down. */
  shiftSpeed(by: 1 | -1): void {
    const at = SPEEDS.findIndex((one) => one >= this.speed.get());
    this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + by))] as number);
  }

  /** Back or on by so many seconds, standing still. */
  nudge(seconds: number): void {
    const at = this.atUs;
    this.#stop();
    this.seek(at + seconds * 1_000_000);
  }

  /** To the nearest decision or trouble after or before the shown moment. @returns it, or null when there is none */
  async step(kind: StepKind, onward: boolean): Promise<Mark | null> {
    const at = this.atUs;
    const followed = this.#ports.followed() ?? '';
    // Whom the last step came to, a person has not chosen: the next step looks as far as that one did.
    const agentId = this.#stepped?.to === followed ? this.#stepped.of : followed;
    const mark = await this.#ports.nearestMark(STEP_KINDS[kind], agentId, at, onward);
    if (mark === null) return null;
    this.#stepped = { to: mark.agentId, of: agentId };
    this.#stop();
    this.seek(Number(mark.timeUs));
    return mark;
  }

  end(): void {
    this.#stop();
    this.#ports.engine.end();
  }

  #stop(): void {
    this.#stopTicking?.();
    this.#stopTicking = undefined;
    this.playing.set(false);
  }

  #anchor(atUs: number): void {
    this.#anchorUs = atUs;
    this.#anchorMs = this.#ports.nowMs();
  }

  /** Never beyond what is on film, and never back. */
  #playheadUs(nowMs: number): number {
    if (!this.playing.get()) return this.#anchorUs;
    const wanted = this.#anchorUs + Math.max(0, nowMs - this.#anchorMs) * 1_000 * this.speed.get();
    return Math.max(this.#anchorUs, Math.min(wanted, this.#ports.engine.filmedUntilUs));
  }

  #tick(): void {
    const { now, nowMs } = this.#ports;
    const wanted = this.#anchorUs + (nowMs() - this.#anchorMs) * 1_000 * this.speed.get();
    const at = this.#playheadUs(nowMs());
    this.#anchor(at);
    const latestUs = Number(now.timeUs);
    if (latestUs > 0 && wanted >= latestUs - CATCH_UP_US && at >= latestUs - 4 * CATCH_UP_US) {
      this.goLive();
      return;
    }
    this.#show();
    const restUs = this.#ports.engine.filmedUntilUs - at;
    if (restUs < this.#aheadUs() / 2 && nowMs() - this.#askedMs > 500) this.#ask();
  }

  #aheadUs(): number {
    return this.playing.get() ? Math.max(AHEAD_US, 5_000_000 * this.speed.get()) : AHEAD_US;
  }

  #show(): void {
    const atUs = Math.round(this.#anchorUs);
    this.past.moment(atUs);
    if (!this.isPast) this.#leavePresent();
    this.shown.set({ kind: 'past', atUs });
  }

  /**
   * The present stays on the page, and nobody in it moves, until the first moment is computed or that takes long: a page
   * drawn for what is not known yet would take the processor from computing it.
   */
  #leavePresent(): void {
    const { shown, later } = this.#ports;
    shown.hold();
    later(FILM_MS, () => this.isPast && shown.show(this.past));
  }

  /** While the record has not come as far as the moment that is held. */
  #askForTheRest(): void {
    const { engine, later } = this.#ports;
    const at = this.#anchorUs;
    const recordedUs = engine.range.get()?.toUs ?? 0;
    if (engine.progress.get()?.state !== 'settled' || recordedUs === 0 || recordedUs >= at) return;
    if (this.#triedUs !== at) this.#tries = 0;
    this.#triedUs = at;
    if (++this.#tries > RECORD_TRIES) return;
    later(RECORD_LAG_MS, () => {
      if (this.isPast && !this.playing.get() && this.#anchorUs === at) this.#ask();
    });
  }

  /** The newest moment wins; in between none is asked for. */
  #ask(): void {
    const { engine, followed, nowMs, later } = this.#ports;
    const sinceMs = nowMs() - this.#askedMs;
    if (sinceMs < ASK_GAP_MS) {
      if (this.#askDue) return;
      this.#askDue = true;
      later(ASK_GAP_MS - sinceMs, () => {
        this.#askDue = false;
        if (this.isPast) this.#ask();
      });
      return;
    }
    this.#askedMs = nowMs();
    engine.show(Math.round(this.#anchorUs), followed(), this.#aheadUs(), this.playing.get() ? 0 : BEHIND_US);
  }
}
