import type { Bus } from '@sigma/bus';
import type { OrderReceipt } from '@sigma/proto';
import { judgeCommand, mergeTexts, type TextConflict } from '@sigma/recorder';
import type { Clock } from '../../clock.ts';
import type { AgentLinked } from '../../live/live-fleet.ts';
import { about, all, packed, tell, unpacked } from '../../subjects.ts';
import { type HubRecord, signal, stateChanged } from '../arbitration/hub-record.ts';
import type { JsonObject } from '../arbitration/merge-patch.ts';
import { CommandRejectedError, recordRejected } from '../arbitration/rejected-command.ts';
import type { MissionWish } from '../core/core.ts';
import type { Gateway, OrderBody } from '../gateway/gateway.ts';
import type { Fence, FenceStore } from './fence-store.ts';

const CHECK_EVERY_US = 1_000_000;
/** A robot that has not answered is told again after this long. */
const AGAIN_US = 5_000_000;
const CORE = 'core';

/** What somebody makes of a fence; absent is as it was. */
export interface FenceChange {
  readonly shape?: Pick<Fence, 'kind' | 'speedMps' | 'points'>;
  readonly name?: string;
  readonly note?: string;
}

export interface RevisedFence {
  readonly fence: Fence;
  readonly receipts: readonly OrderReceipt[];
  /** Lines of the note that both sides changed; then it stays as it was. */
  readonly conflicts: readonly TextConflict[];
}

/** What a robot last said to the fences. */
interface Told {
  readonly version: number;
  readonly answered: boolean;
  readonly atUs: number;
}

/**
 * Fences that people draw: kept, recorded, and sent whole to every robot and to the supervisor whenever they change and
 * whenever a robot comes back, under a version that only goes up. Robots keep the newest and refuse an older one.
 */
export class FenceDesk {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #tenant: string;
  readonly #record: HubRecord;
  readonly #gateway: Gateway;
  readonly #store: FenceStore;
  readonly #inForce = new Map<string, Fence>();
  readonly #linked = new Set<string>();
  readonly #told = new Map<string, Told>();
  readonly #heard = new Set<() => void>();
  readonly #heardRefusal = new Set<(agentId: string, reason: string | null) => void>();
  readonly #heardConflict = new Set<(fence: Fence, conflicts: readonly TextConflict[]) => void>();
  readonly #refused = new Set<string>();
  readonly #end: () => void;
  #version = 0;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly record: HubRecord;
    readonly gateway: Gateway;
    readonly store: FenceStore;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#record = options.record;
    this.#gateway = options.gateway;
    this.#store = options.store;
    this.#bus.subscribe(all(this.#tenant, 'link'), (message) => this.#link(unpacked<AgentLinked>(message.data)), {
      name: 'fences.link',
      capacity: 16_384,
    });
    this.#end = this.#clock.every(CHECK_EVERY_US, () => this.#check());
  }

  async restore(): Promise<void> {
    const { fences, version } = await this.#store.load();
    this.#version = version;
    for (const fence of fences) this.#inForce.set(fence.id, fence);
    if (version > 0) this.#tellCore();
    this.#check();
  }

  async close(): Promise<void> {
    this.#end();
    await this.#changing.catch(() => undefined);
  }

  /** @returns how to end it */
  onChange(heard: () => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Calls back when a robot refuses the fences, with its reason, and with null when it obeys again. @returns how to end it */
  onRefusal(heard: (agentId: string, reason: string | null) => void): () => void {
    this.#heardRefusal.add(heard);
    return () => void this.#heardRefusal.delete(heard);
  }

  /** Calls back when two people made different things of one note, and with no conflicts when one made it good. @returns how to end it */
  onConflict(heard: (fence: Fence, conflicts: readonly TextConflict[]) => void): () => void {
    this.#heardConflict.add(heard);
    return () => void this.#heardConflict.delete(heard);
  }

  /** Oldest first. */
  list(): readonly Fence[] {
    return [...this.#inForce.values()];
  }

  /** Notes of a fence that a change of it may have been made of: of that version as far as it is known, and in force. */
  async notesNear(id: string, version: number): Promise<readonly string[]> {
    const current = this.#inForce.get(id);
    if (current === undefined) return [];
    const base = version === current.version ? null : await this.#store.noteOf(id, version);
    return base === null ? [current.note] : [base, current.note];
  }

  /**
   * Puts a fence in force and tells everybody. The same key gives the same fence.
   * @returns what each linked robot said. @throws NotRecordedError, and then there is no fence
   */
  put(
    fence: Fence,
    idempotencyKey: string | null,
  ): Promise<{ readonly fence: Fence; readonly receipts: readonly OrderReceipt[] }> {
    return this.#inTurn(async () => {
      await this.#record.append(stateChanged(`fence/${fence.id}`, null, plain(fence), fence.createdBy));
      const { earlier, version } = await this.#store.add(fence, idempotencyKey);
      if (earlier !== null) {
        await this.#record.append(stateChanged(`fence/${fence.id}`, plain(fence), null, 'same key'));
        return { fence: earlier, receipts: [] };
      }
      this.#inForce.set(fence.id, fence);
      return { fence, receipts: await this.#changed(version, fence.createdBy) };
    });
  }

  /**
   * Makes something else of a fence, from a version that somebody saw (recorder/SPEC.md R129). Shape and name are
   * registers: the last change holds. The note is merged with what was made of it since that version; where that cannot be
   * done it stays, which is recorded and told.
   *
   * @param onlyInForce nothing is done unless that version is the one in force
   * @returns null when there is no such fence. @throws CommandRejectedError, NotRecordedError
   */
  revise(
    id: string,
    version: number,
    onlyInForce: boolean,
    change: FenceChange,
    by: string,
  ): Promise<RevisedFence | null> {
    return this.#inTurn(async () => {
      const current = this.#inForce.get(id);
      if (current === undefined) return null;
      if (onlyInForce || version > current.version) await this.#judge(current, version, by, 'revise');
      const { shape = current, name = current.name } = change;
      const merged = await this.#merged(current, version, change.note, by);
      const { kind, speedMps, points } = shape;
      const next = { ...current, kind, speedMps, points, name, note: merged.note, version: current.version + 1 };
      const robotsObey = change.shape !== undefined;
      if (!robotsObey && name === current.name && next.note === current.note) {
        return { fence: current, receipts: [], conflicts: merged.conflicts };
      }
      await this.#record.append(stateChanged(`fence/${id}`, plain(current), plain(next), by));
      const sent = await this.#store.revise(next, robotsObey);
      this.#inForce.set(id, next);
      if (sent !== null) return { fence: next, receipts: await this.#changed(sent, by), conflicts: merged.conflicts };
      for (const heard of this.#heard) heard();
      return { fence: next, receipts: [], conflicts: merged.conflicts };
    });
  }

  /** @throws CommandRejectedError when that version is not in force; then that is on record */
  async #judge({ id, version }: Fence, expects: number, by: string, command: 'revise' | 'remove'): Promise<void> {
    const target = `fence/${id}`;
    const outcome = judgeCommand(new Map([[target, version]]), { id, target, expects });
    if (outcome.type === 'accepted') return;
    const { reason } = outcome;
    await recordRejected(this.#record, { target, command, by, expects, reason });
    throw new CommandRejectedError(outcome.reason);
  }

  async #merged(fence: Fence, version: number, note: string | undefined, by: string) {
    const { id, note: ours } = fence;
    if (note === undefined) return { note: ours, conflicts: [] };
    const base = version === fence.version ? ours : ((await this.#store.noteOf(id, version)) ?? '');
    const merge = mergeTexts(base, ours, note);
    const conflicts = merge.type === 'conflict' ? merge.conflicts : [];
    if (merge.type === 'conflict') {
      const lines = conflicts.map(({ base, ours, theirs }) => ({
        base: [...base],
        ours: [...ours],
        theirs: [...theirs],
      }));
      await this.#record.append(signal('hub.text_conflict', `fence/${id}`, { by, version, conflicts: lines }));
    }
    for (const heard of this.#heardConflict) heard(fence, conflicts);
    return { note: merge.type === 'merged' ? merge.text : ours, conflicts };
  }

  /**
   * @param expects the version that is to be in force; 0: whichever is
   * @returns what each linked robot said, or null when there is no such fence. @throws CommandRejectedError, NotRecordedError
   */
  remove(id: string, by: string, expects = 0): Promise<readonly OrderReceipt[] | null> {
    return this.#inTurn(async () => {
      const current = this.#inForce.get(id);
      if (current !== undefined && expects > 0) await this.#judge(current, expects, by, 'remove');
      return this.#remove([id], by);
    });
  }

  async #remove(ids: readonly string[], by: string): Promise<readonly OrderReceipt[] | null> {
    const ending = ids.flatMap((id) => this.#inForce.get(id) ?? []);
    if (ending.length === 0) return null;
    for (const fence of ending) await this.#record.append(stateChanged(`fence/${fence.id}`, plain(fence), null, by));
    const version = await this.#store.end(
      ending.map(({ id }) => id),
      this.#clock.nowUs(),
    );
    for (const fence of ending) {
      this.#inForce.delete(fence.id);
      for (const heard of this.#heardConflict) heard(fence, []);
    }
    return this.#changed(version, by);
  }

  /** One change after the other, so that versions and contents go together. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changing.catch(() => undefined).then(change);
    this.#changing = turn;
    return turn;
  }

  async #changed(version: number, by: string): Promise<readonly OrderReceipt[]> {
    this.#version = version;
    this.#tellCore();
    for (const heard of this.#heard) heard();
    return Promise.all([...this.#linked].map((agentId) => this.#send(agentId, by)));
  }

  async #send(agentId: string, by: string): Promise<OrderReceipt> {
    const told = { version: this.#version, answered: false, atUs: this.#clock.nowUs() };
    this.#told.set(agentId, told);
    const receipt = await this.#gateway.ask(agentId, by, this.#order());
    // A newer set may have been sent meanwhile.
    const answered = receipt.outcome === 'accepted' || receipt.outcome === 'refused';
    if (this.#told.get(agentId) !== told || !answered) return receipt;
    this.#told.set(agentId, { ...told, answered });
    const refuses = receipt.outcome === 'refused';
    if (refuses || this.#refused.delete(agentId)) {
      if (refuses) this.#refused.add(agentId);
      for (const heard of this.#heardRefusal) heard(agentId, refuses ? receipt.reason : null);
    }
    return receipt;
  }

  #order(): OrderBody {
    const fences = this.list().map(({ id, kind, speedMps, points }) => ({
      id,
      kind,
      speedMps,
      polygon: { points: points.map(({ xM, yM }) => ({ xM, yM })) },
    }));
    return { case: 'fences', value: { version: BigInt(this.#version), fences } };
  }

  #tellCore(): void {
    const fences = this.list().map(({ id, kind, speedMps, points }) => ({ id, kind, speedMps, points }));
    const wish: MissionWish = { type: 'fences', fences };
    tell(this.#bus, about(this.#tenant, 'wish', 'fences'), packed(wish), 'command');
  }

  #link({ agentId, linked, role }: AgentLinked): void {
    if (!linked || role === 'feed') {
      this.#linked.delete(agentId);
      return;
    }
    this.#linked.add(agentId);
    this.#told.delete(agentId);
    if (this.#version > 0) this.#clock.soon(() => this.#again(agentId));
  }

  /** Ends what is over, and tells those again who have not answered. */
  #check(): void {
    const nowUs = this.#clock.nowUs();
    const over = this.list().filter(({ endsTimeUs }) => endsTimeUs > 0 && endsTimeUs <= nowUs);
    if (over.length > 0) {
      const ids = over.map(({ id }) => id);
      this.#inTurn(() => this.#remove(ids, 'expiry')).catch(() => undefined);
    }
    if (this.#version === 0) return;
    for (const agentId of this.#linked) {
      const told = this.#told.get(agentId);
      const answered = told?.version === this.#version && told.answered;
      if (!answered && nowUs - (told?.atUs ?? 0) >= AGAIN_US) this.#again(agentId);
    }
  }

  #again(agentId: string): void {
    this.#send(agentId, CORE).catch(() => undefined);
  }
}

const plain = (fence: Fence): JsonObject => ({ ...fence, points: fence.points.map(({ xM, yM }) => ({ xM, yM })) });
