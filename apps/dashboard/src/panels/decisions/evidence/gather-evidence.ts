import { type FleetBelief, RecordedModels, type Site } from '@sigma/fleet-model';
import { type Agent, createAgent } from '@sigma/kernel';
import {
  type BlockContent,
  decodeBlock,
  decodeDecision,
  decodeEnvelope,
  decodeOpening,
  decodeSegment,
  decodeSnapshot,
  EVENT_TYPE,
  hexOfBytes,
  type Opening,
  type RecordedEvent,
  type Sha256,
  type Snapshot,
  sameBytes,
} from '@sigma/recorder';
import { DecisionRun, type Model } from './decision-run.ts';
import { type Evidence, type EvidenceRequest, NotOnRecordError, type Recomputation } from './evidence-words.ts';
import { inboxLines, planAt, policyAt, readingsAt, seenAt } from './moment-words.ts';

/** What the gathering needs from outside. The hub is an untrusted party: what it sends is checked. */
export interface EvidencePorts {
  /**
   * Where to begin to read the agent's chain so that the moment can be computed, and the wall time at which its own time
   * was 0; null when it had not begun.
   */
  readonly locate: (
    request: EvidenceRequest,
    timeUs: number,
  ) => Promise<{ readonly fromSequence: number; readonly epochTimeUs: number } | null>;
  readonly blocks: (
    request: EvidenceRequest,
    fromSequence: number,
    toSequence: number,
  ) => AsyncIterable<{ readonly block: Uint8Array; readonly hash: Uint8Array }>;
  /** The site that the hub shows now; a recording made on another names its own. */
  readonly site: Site | null;
  readonly sha256: Sha256;
}

/** When the place that was named is too late all the same, the search begins so much earlier, and at last at the start. */
const EARLIER_US = [0, 30_000_000];
/** Events read after the place at which the decision must stand; a block holds some dozens. */
const MOST_EVENTS = 200_000;

/**
 * Finds the decision in the record, checks the blocks on the way, and runs the agent again from the snapshot before it.
 *
 * @throws NotOnRecordError when the record does not hold it
 */
export async function gatherEvidence(request: EvidenceRequest, ports: EvidencePorts): Promise<Evidence> {
  const opening = await openingOf(request, ports);
  const model = modelOf(opening, ports.site);
  const written = await ports.locate(request, request.timeUs);
  if (written === null) throw new NotOnRecordError(`no recording of ${request.agentId}, epoch ${request.epoch}`);
  const madeUs = written.epochTimeUs + request.atUs - 1;
  for (const earlierUs of EARLIER_US) {
    const place = await ports.locate(request, Math.max(0, madeUs - earlierUs));
    if (place === null || place.fromSequence <= 1) break;
    const found = await readFrom(place.fromSequence, request, ports, opening, model);
    if (found !== 'too late') return found;
  }
  const found = await readFrom(1, request, ports, opening, model);
  if (found === 'too late') throw new NotOnRecordError('the record begins after this decision');
  return found;
}

async function openingOf(request: EvidenceRequest, ports: EvidencePorts): Promise<Opening> {
  for await (const { block } of ports.blocks(request, 1, 1)) {
    const [first] = decodeBlock(block).events;
    if (first !== undefined) return decodeOpening(decodeEnvelope(first));
  }
  throw new NotOnRecordError(`no recording of ${request.agentId}, epoch ${request.epoch}`);
}

interface Runnable {
  readonly model: Model;
  readonly site: Site;
}

/** The model that the agent ran on, or a sentence that says why it cannot run here. */
function modelOf(opening: Opening, site: Site | null): Runnable | string {
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
    return known === undefined ? 'the recording names no site' : { model, site: known };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface Found {
  readonly event: RecordedEvent;
  readonly block: Uint8Array;
}

/** Reads on from `from` until the decision was found and what came of it is known. */
async function readFrom(
  from: number,
  request: EvidenceRequest,
  ports: EvidencePorts,
  opening: Opening,
  runnable: Runnable | string,
): Promise<Evidence | 'too late'> {
  let run: DecisionRun | null = null;
  let found: Found | null = null;
  let blocks = 0;
  let before: { readonly hash: Uint8Array; readonly next: number } | null = null;
  for await (const { block, hash } of ports.blocks(request, from, from + MOST_EVENTS)) {
    const content = decodeBlock(block);
    requireLinked(content, block, hash, before, ports.sha256);
    before = { hash, next: content.firstSequence + content.events.length };
    blocks++;
    for (const envelope of content.events) {
      const event = decodeEnvelope(envelope);
      if (event.type === EVENT_TYPE.decision && found === null) {
        const { sequence } = decodeDecision(event.data, event.atUs);
        if (sequence > request.sequence) return 'too late';
        if (sequence === request.sequence) found = { event, block: hash };
      }
      if (typeof runnable === 'string') continue;
      if (run === null) run = begin(event, opening, runnable.model, request.sequence);
      else if (event.type === EVENT_TYPE.stimulusSegment) wakeAll(run, event);
      if (run?.missed) return 'too late';
    }
    if (found !== null && (run === null || run.over)) break;
  }
  if (found === null)
    throw new NotOnRecordError('the hub has not recorded this decision yet; it follows within seconds');
  return tell(found, blocks, opening, runnable, run);
}

/** An agent at its start, or at the snapshot that stands here; null for any other event. */
function begin(event: RecordedEvent, opening: Opening, model: Model, wanted: number): DecisionRun | null {
  if (event.type === EVENT_TYPE.opening) {
    const { source, tenant, role, seed, epoch, flags, config, atUs } = opening;
    const agent = createAgent(model, { id: source, tenant, role, seed, epoch, flags, config, atUs });
    return new DecisionRun(model, agent as Agent<FleetBelief>, wanted);
  }
  if (event.type !== EVENT_TYPE.snapshot) return null;
  const snapshot: Snapshot = decodeSnapshot(event);
  return new DecisionRun(model, snapshot, wanted);
}

function wakeAll(run: DecisionRun, event: RecordedEvent): void {
  for (const { atUs, inbox } of decodeSegment(event.data).wakes) {
    if (run.over) return;
    run.wake(atUs, inbox);
  }
}

/** @throws NotOnRecordError when the block is not what its hash says, or does not follow the one before */
function requireLinked(
  content: BlockContent,
  block: Uint8Array,
  hash: Uint8Array,
  before: { readonly hash: Uint8Array; readonly next: number } | null,
  sha256: Sha256,
): void {
  const { firstSequence } = content;
  if (!sameBytes(sha256(block), hash))
    throw new NotOnRecordError(`the block at event ${firstSequence} is not what its hash says`);
  if (before === null) return;
  if (firstSequence !== before.next || !sameBytes(content.previousHash, before.hash)) {
    throw new NotOnRecordError(`the block at event ${firstSequence} does not follow the one before it`);
  }
}

function tell(
  found: Found,
  blocks: number,
  opening: Opening,
  runnable: Runnable | string,
  run: DecisionRun | null,
): Evidence {
  const { source, epoch, software, model } = opening;
  const place = { source, epoch, software, model, event: found.event.sequence, block: hexOfBytes(found.block) };
  const moment = run?.moment ?? null;
  const check: Recomputation = {
    blocks,
    wakes: run?.wakes ?? 0,
    result: moment === null ? 'not recomputed' : sameBytes(moment.bytes, found.event.data) ? 'same' : 'different',
    because: typeof runnable === 'string' ? runnable : moment === null ? 'the snapshot before it is not on record' : '',
  };
  return {
    place,
    check,
    lastedUs: run?.lastedUs ?? null,
    readings: moment === null ? [] : readingsAt(moment.agent),
    seen: moment === null ? [] : seenAt(moment.agent),
    inbox: moment === null ? [] : inboxLines(moment.inbox),
    expectations: run?.trail ?? { first: null, violated: null, kept: 0, made: 0 },
    plan: moment === null ? null : planAt(moment.agent),
    policy: typeof runnable === 'string' ? null : policyAt(opening, runnable.model, runnable.site, moment),
  };
}
