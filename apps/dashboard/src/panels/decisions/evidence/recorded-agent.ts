import { type FleetBelief, RecordedModels, type Site } from '@sigma/fleet-model';
import { type Agent, createAgent, decodeState } from '@sigma/kernel';
import {
  type BlockContent,
  changedModel,
  decodeBlock,
  decodeEnvelope,
  decodeOpening,
  decodeSnapshot,
  EVENT_TYPE,
  type Opening,
  type RecordedEvent,
  type Sha256,
  sameBytes,
} from '@sigma/recorder';
import type { Model } from './decision-run.ts';
import { BrokenRecordError, NotOnRecordError } from './evidence-words.ts';

/** A chain of the recording by its writer. */
export interface ChainName {
  readonly agentId: string;
  readonly epoch: number;
}

/** What reading a chain needs from outside. The hub is an untrusted party: what it sends is checked. */
export interface ChainPorts {
  readonly blocks: (
    chain: ChainName,
    fromSequence: number,
    toSequence: number,
  ) => AsyncIterable<{ readonly block: Uint8Array; readonly hash: Uint8Array }>;
  /** The site that the hub shows now; a recording made on another names its own. */
  readonly site: Site | null;
  readonly sha256: Sha256;
}

/** Events read after the place at which what is wanted must stand; a block holds some dozens. */
const MOST_EVENTS = 200_000;

const UTF8 = new TextDecoder();

/** @throws NotOnRecordError when there is no such chain */
export async function openingOf(chain: ChainName, ports: ChainPorts): Promise<Opening> {
  for await (const { block } of ports.blocks(chain, 1, 1)) {
    const [first] = decodeBlock(block).events;
    if (first !== undefined) return decodeOpening(decodeEnvelope(first));
  }
  throw new NotOnRecordError(`no recording of ${chain.agentId}, epoch ${chain.epoch}`);
}

export interface Runnable {
  readonly model: Model;
  readonly site: Site;
}

/** The model that the agent ran on, or a sentence that says why it cannot run here. */
export function modelOf(opening: Opening, site: Site | null): Runnable | string {
  if (opening.model !== 'fleet') return `no model '${opening.model || 'of its own'}' in this browser`;
  const models = new RecordedModels();
  try {
    if (site !== null) models.know(site);
    models.learn(opening.config);
    const model = models.modelOf(opening);
    if (typeof model === 'string') return model;
    if (model.version !== opening.modelVersion || model.policy.hash !== opening.policyHash) {
      return `it was made with model version ${opening.modelVersion} and policy ${opening.policyHash.slice(0, 12)}, which are not those of this browser`;
    }
    const digest = (opening.config as { site?: { digest?: string } }).site?.digest ?? '';
    const known = models.sites.get(digest);
    if (known === undefined) return 'the recording names no site';
    const { lineage } = opening;
    return { model: lineage === undefined ? model : changedModel(model, lineage.change), site: known };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The agent at its start, or at the snapshot that stands here; null for any other event. */
export function agentIn(event: RecordedEvent, opening: Opening, model: Model): Agent<FleetBelief> | null {
  if (event.type === EVENT_TYPE.opening) {
    // A fork goes on from the snapshot that follows.
    if (opening.lineage !== undefined) return null;
    const { source, tenant, role, seed, epoch, flags, config, atUs } = opening;
    return createAgent(model, { id: source, tenant, role, seed, epoch, flags, config, atUs }) as Agent<FleetBelief>;
  }
  if (event.type !== EVENT_TYPE.snapshot) return null;
  return decodeState(UTF8.decode(decodeSnapshot(event).state)) as unknown as Agent<FleetBelief>;
}

/** Blocks of a chain from a place on, each with its events, checked one after the other. @throws NotOnRecordError */
export async function* checkedBlocks(
  chain: ChainName,
  from: number,
  ports: ChainPorts,
): AsyncGenerator<{ readonly content: BlockContent; readonly hash: Uint8Array }> {
  let before: { readonly hash: Uint8Array; readonly next: number } | null = null;
  for await (const { block, hash } of ports.blocks(chain, from, from + MOST_EVENTS)) {
    const content = decodeBlock(block);
    requireLinked(content, block, hash, before, ports.sha256);
    before = { hash, next: content.firstSequence + content.events.length };
    yield { content, hash };
  }
}

/** @throws BrokenRecordError when the block is not what its hash says, or does not follow the one before */
function requireLinked(
  content: BlockContent,
  block: Uint8Array,
  hash: Uint8Array,
  before: { readonly hash: Uint8Array; readonly next: number } | null,
  sha256: Sha256,
): void {
  const { firstSequence } = content;
  if (!sameBytes(sha256(block), hash))
    throw new BrokenRecordError(`the block at event ${firstSequence} is not what its hash says`);
  if (before === null) return;
  if (firstSequence !== before.next || !sameBytes(content.previousHash, before.hash)) {
    throw new BrokenRecordError(`the block at event ${firstSequence} does not follow the one before it`);
  }
}
