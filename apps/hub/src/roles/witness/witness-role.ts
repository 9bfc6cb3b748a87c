import type { Bus } from '@sigma/bus';
import { type AgentEvent, AgentEventSchema, type HeadAnswered, type HeadOffered } from '@sigma/proto';
import {
  answeredFrame,
  answerOf,
  type ChainId,
  chainOfOrigin,
  edgeWitnessName,
  HeadOffers,
  hubWitnessName,
  logKey,
  NoteError,
  type OwnHead,
  offeredFrame,
  offerOf,
  openCheckpoint,
  originOf,
  parseCheckpoint,
  type RefusalKind,
  type SigningKey,
  sameBytes,
  verifyConsistency,
  type Witness,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Clock } from '../../clock.ts';
import { all, openedMessage } from '../../subjects.ts';
import type { Alerts } from '../alerts/alerts.ts';
import { HUB } from '../alerts/causes.ts';
import { type HubRecord, signal } from '../arbitration/hub-record.ts';
import type { OwnHeads } from './own-heads.ts';
import { TestimonyDesk, type Verdict } from './testimony-desk.ts';
import type { WitnessStore } from './witness-store.ts';
import { changedKey, contradiction, isContradiction, witnessKeyText } from './witness-words.ts';

/** What the link says of an edge that has come. */
export interface LinkedEdge {
  readonly edgeId: string;
  readonly agentIds: readonly string[];
  /** Ed25519, 32 bytes; empty of an edge that does not witness. */
  readonly key: Uint8Array;
  readonly send: (frame: HeadFrame) => void;
}

export type HeadFrame =
  | { readonly case: 'headOffered'; readonly value: HeadOffered }
  | { readonly case: 'headAnswered'; readonly value: HeadAnswered };

/** The witness's end of one link. */
export interface WitnessLink {
  hear(frame: HeadFrame): void;
  close(): void;
}

interface Open {
  readonly edge: LinkedEdge;
  testimony: TestimonyDesk | null;
  offers: HeadOffers | null;
  /** What came before it was known whether the key is the edge's. */
  early: HeadFrame[];
  closed: boolean;
}

export interface WitnessRoleOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly tenant: string;
  readonly record: HubRecord;
  readonly alerts: Pick<Alerts, 'say'>;
  readonly store: WitnessStore;
  readonly key: SigningKey;
  /** Null where the hub's recording is somebody else's to show. */
  readonly ownHeads: OwnHeads | null;
  /** Keys that an administrator took for an edge's, as texts; asked when an edge shows another than the one known. */
  readonly accepted: () => readonly string[];
  /** Where he writes them. */
  readonly acceptIn: string;
  readonly everyUs?: number;
}

const EVERY_US = 10_000_000;
const MOST_EARLY = 64;
/** How long the end of the hub waits for its last heads to be cosigned. */
const LAST_ROUND_US = 2_000_000;

/**
 * The hub witnesses what its edges record, and has its own recording witnessed by them: each side shows the other the
 * heads of its chains, and a chain that was cut, rewritten or told twice is named when it comes back.
 */
export class WitnessRole {
  /** Heads cosigned for edges, refused to them, and own heads that edges cosigned. */
  readonly counts = { cosigned: 0, refused: 0, witnessed: 0 };
  /** Why the hub could not show its own heads the last time, or null. */
  failure: string | null = null;
  readonly #options: WitnessRoleOptions;
  readonly #witness: Witness;
  readonly #open = new Set<Open>();
  /** The talk with each edge about the hub's own heads, over all its links. */
  readonly #talks = new Map<string, { readonly key: Uint8Array; readonly offers: HeadOffers; link: Open }>();
  readonly #told = new Set<string>();
  readonly #agentEdges = new Map<string, string>();
  readonly #end: () => void;
  #heads: readonly OwnHead[] = [];
  #round: Promise<void> | null = null;

  constructor(options: WitnessRoleOptions) {
    this.#options = options;
    const { bus, clock, tenant, key } = options;
    this.#witness = { name: hubWitnessName(tenant), key, ed25519: ed25519Verify, sha256 };
    bus.subscribe(all(tenant, 'event'), ({ data }) => this.#event(openedMessage(AgentEventSchema, data)), {
      name: 'witness.event',
      capacity: 16_384,
    });
    this.#end = clock.every(options.everyUs ?? EVERY_US, () => {
      if (this.#open.size > 0) void this.showHeads();
    });
  }

  get publicKey(): Uint8Array {
    return this.#options.key.publicKey;
  }

  /** An edge has linked. Its work does not wait for what is found here. */
  linked(edge: LinkedEdge): WitnessLink {
    const open: Open = { edge, testimony: null, offers: null, early: [], closed: false };
    this.#open.add(open);
    for (const agentId of edge.agentIds) this.#agentEdges.set(agentId, edge.edgeId);
    void this.#begin(open).catch(() => undefined);
    return {
      hear: (frame) => this.#hear(open, frame),
      close: () => {
        open.closed = true;
        this.#open.delete(open);
        const talk = this.#talks.get(edge.edgeId);
        if (talk?.link === open) talk.offers.lost();
      },
    };
  }

  /** Shows every linked edge what has grown of the hub's own chains. */
  showHeads(): Promise<void> {
    this.#round ??= this.#show().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** The last heads, for as long as an end may wait; then nothing is shown any more. */
  async close(): Promise<void> {
    this.#end();
    const { clock, ownHeads } = this.#options;
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(LAST_ROUND_US, () => late.resolve());
    const last = async (): Promise<void> => {
      await this.#round;
      if (this.#open.size > 0) await this.showHeads();
      for (const { offers } of this.#open) await offers?.whenSettled();
    };
    await Promise.race([last(), late.promise]);
    cancel();
    await ownHeads?.close();
  }

  async #begin(open: Open): Promise<void> {
    const { edge } = open;
    if (!(await this.#isKnown(edge))) return;
    if (open.closed) return;
    const { tenant, store, clock } = this.#options;
    const { edgeId, key, agentIds, send } = edge;
    open.testimony = new TestimonyDesk({
      tenant,
      edge: { edgeId, key, sources: new Set([...agentIds, `world-${edgeId}`]) },
      witness: this.#witness,
      store,
      nowUs: () => clock.nowUs(),
      send: (answer) => {
        if (answer.cosignature === '') this.counts.refused++;
        else this.counts.cosigned++;
        if (!open.closed) send({ case: 'headAnswered', value: answeredFrame(answer) });
      },
      found: (verdict) => this.#found(edgeId, verdict),
    });
    open.offers = this.#talkWith(open);
    const early = open.early;
    open.early = [];
    for (const frame of early) this.#hear(open, frame);
    if (this.#heads.length === 0) await this.showHeads();
    else open.offers?.offer(this.#heads);
  }

  /** Whether the key is the one that this edge is known by; an edge is known by the first that it shows. */
  async #isKnown({ edgeId, key }: LinkedEdge): Promise<boolean> {
    const { store, clock, record, alerts, tenant, accepted, acceptIn } = this.#options;
    const cause = `witness:key:${edgeId}`;
    const pinned = await store.pinned(edgeId);
    if (key.length === 0 && pinned === null) return false;
    const shown = key.length === 32 ? witnessKeyText(edgeWitnessName(tenant, edgeId), key) : null;
    if (pinned !== null && sameBytes(pinned, key)) {
      alerts.say(HUB, cause, null);
      return true;
    }
    if (shown !== null && (pinned === null || accepted().includes(shown))) {
      await store.pin(edgeId, key, clock.nowUs());
      alerts.say(HUB, cause, null);
      void record.append(signal('hub.edge_key_taken', edgeId, { key: shown, first: pinned === null })).catch(forgive);
      return true;
    }
    alerts.say(HUB, cause, changedKey(edgeId, shown, acceptIn));
    void record.append(signal('hub.edge_key_changed', edgeId, { shown: shown ?? '' })).catch(forgive);
    return false;
  }

  #talkWith(open: Open): HeadOffers | null {
    const { ownHeads, tenant } = this.#options;
    const { edgeId, key } = open.edge;
    if (ownHeads === null) return null;
    const before = this.#talks.get(edgeId);
    if (before !== undefined && sameBytes(before.key, key)) {
      before.link = open;
      before.offers.lost();
      return before.offers;
    }
    const offers = new HeadOffers({
      witness: { name: edgeWitnessName(tenant, edgeId), role: 'witness', publicKey: key },
      ed25519: ed25519Verify,
      sha256,
      prove: (chain, from, to) => ownHeads.consistency(chain, from, to),
      keptSize: (chain) => ownHeads.keptSize(chain),
      send: (offer) => {
        const link = this.#talks.get(edgeId)?.link;
        if (link?.closed === false) link.edge.send({ case: 'headOffered', value: offeredFrame(offer) });
      },
      cosigned: (head, cosignature, timeS) => {
        this.counts.witnessed++;
        this.#options.alerts.say(HUB, hubKeyCause(edgeId), null);
        void ownHeads.keep(head, cosignature, timeS).catch((error: Error) => this.#failed(error));
      },
      // What the edge saw comes with its own event, on record and with both heads.
      refused: () => undefined,
      failed: (error) => this.#failed(error),
    });
    this.#talks.set(edgeId, { key, offers, link: open });
    return offers;
  }

  #failed(error: Error): void {
    this.failure = error.message;
  }

  async #show(): Promise<void> {
    const { ownHeads } = this.#options;
    if (ownHeads === null) return;
    try {
      this.#heads = await ownHeads.heads();
      this.failure = null;
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    for (const { offers } of this.#open) offers?.offer(this.#heads);
  }

  #hear(open: Open, frame: HeadFrame): void {
    if (open.testimony === null) {
      if (open.early.length < MOST_EARLY) open.early.push(frame);
    } else if (frame.case === 'headOffered') open.testimony.offered(offerOf(frame.value));
    else open.offers?.answered(answerOf(frame.value));
  }

  #found(edgeId: string, verdict: Verdict): void {
    const { chain } = verdict;
    if (verdict.type === 'met') {
      this.#told.delete(refusalName(chain));
      this.#options.alerts.say(...aboutChain(chain), null);
      return;
    }
    const { refusal } = verdict;
    if (isContradiction(refusal.kind)) this.#tell(chain, { ...refusal, seen: refusal.seen ?? '' }, 'the hub', edgeId);
  }

  /** Puts a contradiction on the hub's record, with both signed heads, and before people; each once. */
  #tell(chain: ChainId, found: Found, seenBy: string, edgeId: string): void {
    const { record, alerts } = this.#options;
    const name = refusalName(chain);
    if (this.#told.has(`${name} ${found.kind}`)) return;
    this.#told.add(`${name} ${found.kind}`);
    const { source } = chain;
    void record.append(signal('hub.head_refused', source, { origin: name, seenBy, edgeId, ...found })).catch(forgive);
    alerts.say(...aboutChain(chain), contradiction(chain, found, seenBy));
  }

  /** What an edge found of the hub comes as an event that it recorded. It is believed for what the hub itself signed. */
  #event({ agentId, signal: said }: AgentEvent): void {
    const edgeId = this.#agentEdges.get(agentId) ?? agentId;
    if (said?.name === 'edge.hub_head_refused') {
      const found = readFound(said.bodyJson);
      if (found === null) return;
      void this.#ownContradiction(found.seen)
        .then((chain) => chain !== null && this.#tell(chain, found, `edge ${edgeId}`, edgeId))
        .catch((error: Error) => this.#failed(error));
    } else if (said?.name === 'edge.hub_key_changed') {
      const text = `edge ${edgeId} knows this hub by another key: it does not witness the hub's recording`;
      const advice =
        'If the keys of this hub were lost or it was moved without them, remove the file hub.key from the data folder ' +
        'of the edge and start it again; if not, somebody changed the keys below the data folder of the hub';
      this.#options.alerts.say(HUB, hubKeyCause(edgeId), { level: WARNING, text, advice });
    }
  }

  /**
   * The chain of this hub that a head contradicts which the hub itself signed: what an edge claims is held against the
   * recording as it stands, so that nobody raises an alarm with words alone.
   */
  async #ownContradiction(seen: string): Promise<ChainId | null> {
    const { tenant, key, ownHeads } = this.#options;
    const chain = chainOfOrigin(seen.split('\n', 1)[0] ?? '');
    if (ownHeads === null || chain === null || chain.tenant !== tenant || chain.source !== 'hub') return null;
    try {
      const trust = { keys: [logKey(chain, key.publicKey)], ed25519: ed25519Verify, sha256 };
      const before = openCheckpoint(seen, trust);
      const own = (await ownHeads.heads()).find((head) => originOf(head.chain) === before.origin);
      if (own === undefined) return null;
      if (before.size > own.size) return chain;
      const proof = await ownHeads.consistency(chain, before.size, own.size);
      return verifyConsistency(before, parseCheckpoint(own.note), proof, sha256) ? null : chain;
    } catch (error) {
      if (error instanceof NoteError) return null;
      throw error;
    }
  }
}

const WARNING = 3;
const forgive = (): void => undefined;
const hubKeyCause = (edgeId: string): string => `witness:hub_key:${edgeId}`;
const refusalName = ({ source, epoch }: ChainId): string => `${source}/${epoch}`;

/** Where an alert about a chain stands: at its agent, or at the hub. */
const aboutChain = ({ source, epoch }: ChainId): readonly [string, string] =>
  source === 'hub' || source.startsWith('world-')
    ? [HUB, `witness:${source}/${epoch}`]
    : [source, `witness:epoch/${epoch}`];

interface Found {
  readonly kind: RefusalKind;
  readonly fromSequence: number | null;
  readonly toSequence: number | null;
  readonly message: string;
  readonly seen: string;
  readonly offered: string;
}

const MOST_CHARACTERS = 4_096;

/** What an edge says it found, as far as it is well formed. */
function readFound(bodyJson: string): Found | null {
  let body: Partial<Record<keyof Found, unknown>>;
  try {
    body = JSON.parse(bodyJson) as typeof body;
  } catch {
    return null;
  }
  const { kind, fromSequence, toSequence, message, seen, offered } = body;
  const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MOST_CHARACTERS;
  const isEvent = (value: unknown): value is number | null => value === null || Number.isSafeInteger(value);
  if (kind !== 'rollback' && kind !== 'fork' && kind !== 'inconsistent') return null;
  if (!isText(message) || !isText(seen) || !isText(offered) || !isEvent(fromSequence) || !isEvent(toSequence))
    return null;
  return { kind, fromSequence, toSequence, message, seen, offered };
}
