import type { Agent } from '@sigma/kernel';
import {
  alternativesOf,
  decodeDecision,
  decodeEnvelope,
  decodeSegment,
  EVENT_TYPE,
  hexOfBytes,
  type Opening,
  type RecordedEvent,
  sameBytes,
} from '@sigma/recorder';
import { DecisionRun } from './decision-run.ts';
import {
  type Evidence,
  type EvidenceAlternative,
  type EvidenceRequest,
  NotOnRecordError,
  type Recomputation,
} from './evidence-words.ts';
import { inboxLines, planAt, policyAt, readingsAt, seenAt } from './moment-words.ts';
import { agentIn, type ChainPorts, checkedBlocks, modelOf, openingOf, type Runnable } from './recorded-agent.ts';

/** What the gathering needs from outside. */
export interface EvidencePorts extends ChainPorts {
  /**
   * Where to begin to read the agent's chain so that the moment can be computed, and the wall time at which its own time
   * was 0; null when it had not begun.
   */
  readonly locate: (
    request: EvidenceRequest,
    timeUs: number,
  ) => Promise<{ readonly fromSequence: number; readonly epochTimeUs: number } | null>;
  /** Whether bodies of this site are computed. */
  readonly simulated: boolean;
}

/** When the place that was named is too late all the same, the search begins so much earlier, and at last at the start. */
const EARLIER_US = [0, 30_000_000];

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
  for await (const { content, hash } of checkedBlocks(request, from, ports)) {
    blocks++;
    for (const envelope of content.events) {
      const event = decodeEnvelope(envelope);
      if (event.type === EVENT_TYPE.decision && found === null) {
        const { sequence } = decodeDecision(event.data, event.atUs);
        if (sequence > request.sequence) return 'too late';
        if (sequence === request.sequence) found = { event, block: hash };
      }
      if (typeof runnable === 'string') continue;
      if (run === null) {
        const agent = agentIn(event, opening, runnable.model);
        run = agent === null ? null : new DecisionRun(runnable.model, agent, request.sequence);
      } else if (event.type === EVENT_TYPE.stimulusSegment) wakeAll(run, event);
      if (run?.missed) return 'too late';
    }
    if (found !== null && (run === null || run.over)) break;
  }
  if (found === null)
    throw new NotOnRecordError('the hub has not recorded this decision yet; it follows within seconds');
  return tell(found, blocks, opening, runnable, run, ports.simulated);
}

function wakeAll(run: DecisionRun, event: RecordedEvent): void {
  for (const { atUs, inbox } of decodeSegment(event.data).wakes) {
    if (run.over) return;
    run.wake(atUs, inbox);
  }
}

function tell(
  found: Found,
  blocks: number,
  opening: Opening,
  runnable: Runnable | string,
  run: DecisionRun | null,
  simulated: boolean,
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
    alternatives: moment === null ? null : alternativesAt(found.event, moment.agent, simulated),
  };
}

function alternativesAt(
  { data, atUs }: RecordedEvent,
  agent: Agent<unknown>,
  simulated: boolean,
): readonly EvidenceAlternative[] {
  return alternativesOf({ decision: decodeDecision(data, atUs), agent, simulated }).map((one) => ({
    number: one.number,
    runnable: one.runnable,
    because: one.runnable ? '' : one.because,
    without: one.runnable ? one.without : [],
  }));
}
