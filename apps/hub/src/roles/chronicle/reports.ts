import { hexOfBytes, type LinkedChain, linkedKey, type NotableEvent, sameBytes } from '@sigma/recorder';
import type { Clock } from '../../clock.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { DecisionArchive, DecisionKey } from '../arbitration/decision-archive.ts';
import { type HubRecord, signal } from '../arbitration/hub-record.ts';
import { markIdOf, wallTimeOf } from './happened.ts';
import type { Mark, Unprovable } from './mark-store.ts';
import type { Marks } from './marks.ts';
import { readSingly } from './read-on.ts';
import { digestOf, type SeenEvent } from './read-stretch.ts';
import type { Report, ReportStore } from './report-store.ts';

const CRITICAL = 4;
/** Reports of one chain that may wait for their blocks: an edge keeps fewer. */
const MOST_OF_CHAIN = 2_000;
/** Chains of which reports may wait. */
const MOST_CHAINS = 10_000;

export interface ReportsOptions {
  readonly clock: Clock;
  readonly record: HubRecord;
  readonly alerts: Pick<Alerts, 'say'>;
  readonly marks: Pick<Marks, 'addReported' | 'retract' | 'giveUp'>;
  readonly decisions: Pick<DecisionArchive, 'addReported' | 'retract' | 'giveUp'>;
  readonly store: ReportStore;
}

/** Safety events that edges tell ahead of their blocks, from when they are told until the record proves them or not (R193). */
export class Reports {
  /** Of this life of the hub. */
  readonly counts = { reported: 0, proved: 0, contradicted: 0, unprovable: 0 };
  readonly #options: ReportsOptions;
  readonly #waiting = new Map<string, Map<number, Report>>();
  readonly #leftOut = new Map<string, number>();

  private constructor(options: ReportsOptions) {
    this.#options = options;
  }

  static async open(options: ReportsOptions): Promise<Reports> {
    const reports = new Reports(options);
    for (const report of await options.store.load()) reports.#waits(report);
    return reports;
  }

  /** Events of a chain that wait for their blocks. */
  waiting(chain: LinkedChain): ReadonlyMap<number, Report> | undefined {
    return this.#waiting.get(linkedKey(chain));
  }

  /**
   * Puts what an edge tells ahead on the time bar and into the lists, as reported.
   *
   * @param told events that were judged by `takeAhead`
   * @returns why none of them was taken, or null
   * @throws what the store throws; then the edge tells them again
   */
  async take(
    chain: LinkedChain & { readonly openedUs: number; readonly leftOut: number },
    told: readonly NotableEvent[],
  ): Promise<string | null> {
    const { source, epoch, openedUs } = chain;
    const waiting = this.waiting(chain);
    const room = waiting === undefined ? this.#waiting.size < MOST_CHAINS : waiting.size < MOST_OF_CHAIN;
    if (!room) return 'more is reported of this chain than can wait for its blocks';
    const events = told.map((event) => ({ ...event, digest: digestOf(event.envelope) }));
    const other = events.find(({ sequence, digest }) => {
      const before = waiting?.get(sequence);
      return before !== undefined && !sameBytes(before.digest, digest);
    });
    if (other !== undefined) return `event ${other.sequence} was reported otherwise before`;
    const { marks: found, decisions } = readSingly(told);
    const nowUs = this.#options.clock.nowUs();
    const marks = found.map(({ event, atUs, happened, decision }) => {
      const answer = { decisionSequence: decision, decisionEpoch: decision === 0 ? 0 : epoch };
      const timeUs = wallTimeOf(openedUs, atUs, nowUs);
      const mark: Mark = {
        id: markIdOf(source, epoch, atUs, happened),
        agentId: source,
        timeUs,
        ...happened,
        ...answer,
      };
      return { event, mark };
    });
    const reports = events.map(({ sequence, digest }): Report => {
      const markId = marks.find(({ event }) => event === sequence)?.mark.id ?? '';
      const decision = decisions.find(({ event }) => event === sequence)?.sequence ?? 0;
      return { source, epoch, sequence, digest, markId, decision };
    });
    await this.#options.store.add(reports);
    for (const report of reports) this.#waits(report);
    await this.#options.marks.addReported(marks.map(({ mark }) => mark));
    await this.#options.decisions.addReported(
      decisions.map(({ sequence, atUs, data }) => {
        return { agentId: source, epoch, sequence, atUs, timeUs: wallTimeOf(openedUs, atUs, nowUs), data };
      }),
    );
    this.counts.reported += reports.length;
    this.#tellLeftOut(chain);
    return null;
  }

  /**
   * The chain was read up to an event, and its marks are kept. What was reported up to there is proved now; or it is not
   * so: then it is taken back, and people are told; or the record has no such place: then it is marked as such.
   *
   * @param seen what the record has in the places that were waiting
   * @param markIds of the marks that were made of it
   * @throws what the store throws; then call again with the same
   */
  async settle(
    chain: LinkedChain,
    upTo: number,
    seen: readonly SeenEvent[],
    markIds: ReadonlySet<string>,
  ): Promise<void> {
    const due = [...(this.waiting(chain)?.values() ?? [])].filter(({ sequence }) => sequence <= upTo);
    if (due.length === 0) return;
    const found = new Map<number, Uint8Array>();
    for (const { sequence, digest } of seen) if (digest !== null) found.set(sequence, digest);
    const judged = due.filter(({ sequence }) => found.has(sequence));
    const wrong = judged.filter(({ sequence, digest }) => !sameBytes(found.get(sequence) as Uint8Array, digest));
    const gone = judged.filter(({ markId }) => markId !== '' && !markIds.has(markId));
    const dropped = new Set(seen.filter(({ digest }) => digest === null).map(({ sequence }) => sequence));
    const unjudged = due.filter(({ sequence }) => !found.has(sequence));
    await this.#options.marks.retract(marksOf(gone));
    await this.#options.decisions.retract(decisionsOf(wrong));
    await this.#giveUp(
      unjudged.filter(({ sequence }) => dropped.has(sequence)),
      'dropped',
    );
    await this.#giveUp(
      unjudged.filter(({ sequence }) => !dropped.has(sequence)),
      'damaged',
    );
    if (wrong.length > 0) await this.#contradicted(chain, wrong, found);
    else if (judged.length > 0) this.#options.alerts.say(chain.source, causeOf(chain), null);
    await this.#options.store.remove(chain, upTo);
    this.counts.proved += judged.length - wrong.length;
    const waiting = this.#waiting.get(linkedKey(chain));
    for (const { sequence } of due) waiting?.delete(sequence);
    if (waiting?.size === 0) this.#waiting.delete(linkedKey(chain));
  }

  #waits(report: Report): void {
    const key = linkedKey(report);
    const waiting = this.#waiting.get(key) ?? new Map<number, Report>();
    waiting.set(report.sequence, report);
    this.#waiting.set(key, waiting);
  }

  /** Nothing contradicts these, and nothing proves them. */
  async #giveUp(reports: readonly Report[], why: Unprovable): Promise<void> {
    await this.#options.marks.giveUp(marksOf(reports), why);
    await this.#options.decisions.giveUp(decisionsOf(reports), why);
    this.counts.unprovable += reports.length;
  }

  /** Recorded first: a trouble that people are told of can be looked up. */
  async #contradicted(
    chain: LinkedChain,
    wrong: readonly Report[],
    found: ReadonlyMap<number, Uint8Array>,
  ): Promise<void> {
    const { source, epoch } = chain;
    const sides = wrong.map(({ sequence, digest }) => {
      return { sequence, reported: hexOfBytes(digest), recorded: hexOfBytes(found.get(sequence) as Uint8Array) };
    });
    this.counts.contradicted += wrong.length;
    for (const side of sides) {
      await this.#options.record.append(signal('hub.report_contradicted', source, { epoch, ...side }));
    }
    const [{ sequence, reported, recorded }] = sides as [(typeof sides)[number]];
    const others = sides.length > 1 ? ` and of ${sides.length - 1} others` : '';
    this.#options.alerts.say(source, causeOf(chain), {
      level: CRITICAL,
      text:
        `it reported something else of event ${sequence}${others} in epoch ${epoch} than it recorded ` +
        `(envelope reported ${reported}, recorded ${recorded}); what it reported is taken off the time bar`,
      advice:
        'Look whether two machines run as this robot, or whether somebody speaks in its name. What is recorded stands; ' +
        'keep the recording of the edge before anything else',
    });
  }

  #tellLeftOut({ source, epoch, leftOut }: LinkedChain & { readonly leftOut: number }): void {
    const key = linkedKey({ source, epoch });
    if (leftOut === 0 || this.#leftOut.get(key) === leftOut) return;
    if (this.#leftOut.size >= MOST_CHAINS) this.#leftOut.clear();
    this.#leftOut.set(key, leftOut);
    const told = signal('hub.reports_left_out', source, { epoch, leftOut });
    void this.#options.record.append(told).catch(() => undefined);
  }
}

const marksOf = (reports: readonly Report[]): readonly string[] =>
  reports.map(({ markId }) => markId).filter((id) => id !== '');

const decisionsOf = (reports: readonly Report[]): readonly DecisionKey[] =>
  reports
    .filter(({ decision }) => decision !== 0)
    .map(({ source: agentId, epoch, decision: sequence }) => ({ agentId, epoch, sequence }));

const causeOf = ({ epoch }: LinkedChain): string => `report:epoch/${epoch}`;
