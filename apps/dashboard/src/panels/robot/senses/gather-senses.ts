import type { FleetBelief } from '@sigma/fleet-model';
import { type Agent, step } from '@sigma/kernel';
import { decodeEnvelope, decodeSegment, EVENT_TYPE, MalformedBytesError, NewerFormatError } from '@sigma/recorder';
import type { Model } from '../../decisions/evidence/decision-run.ts';
import { type EvidenceReading, NotOnRecordError } from '../../decisions/evidence/evidence-words.ts';
import { readingsAt } from '../../decisions/evidence/moment-words.ts';
import {
  agentIn,
  type ChainName,
  type ChainPorts,
  checkedBlocks,
  modelOf,
  openingOf,
} from '../../decisions/evidence/recorded-agent.ts';

/** Whose sensors are asked for, and when: the hub's time, microseconds since 1970. */
export interface SensesRequest {
  readonly agentId: string;
  readonly timeUs: number;
}

/** What a robot's own sensors had told it by a moment of the past. Plain data: it crosses from a worker. */
export interface Senses extends SensesRequest {
  /** The last cycle of the robot up to the moment, microseconds since 1970. */
  readonly sensedUs: number;
  readonly readings: readonly EvidenceReading[];
}

export interface SensesPorts extends ChainPorts {
  /** The chain that the robot wrote at that moment, and where to begin to read it; null when it wrote none. */
  readonly locate: (
    agentId: string,
    timeUs: number,
  ) => Promise<{ readonly epoch: number; readonly fromSequence: number; readonly epochTimeUs: number } | null>;
}

/** When the place that was named is too late all the same, the search begins so much earlier, and at last at the start. */
const EARLIER_US = 30_000_000;

/**
 * Runs the robot again from the snapshot before the moment up to the moment, over checked blocks, and reads its sensors:
 * the sensor frames are among its recorded inputs.
 *
 * @throws NotOnRecordError where the recording does not hold the moment, or cannot be computed here
 */
export async function gatherSenses({ agentId, timeUs }: SensesRequest, ports: SensesPorts): Promise<Senses> {
  const place = await ports.locate(agentId, timeUs);
  if (place === null) throw new NotOnRecordError(`nothing of ${agentId} is on record at this moment`);
  const { epoch, epochTimeUs } = place;
  const chain = { agentId, epoch };
  const earlier = async (): Promise<number> => {
    const before = await ports.locate(agentId, timeUs - EARLIER_US);
    return before?.epoch === epoch ? before.fromSequence : 1;
  };
  for (const from of [async () => place.fromSequence, earlier, async () => 1]) {
    const agent = await agentAt(chain, await from(), timeUs - epochTimeUs, ports);
    if (agent !== null) return { agentId, timeUs, sensedUs: epochTimeUs + agent.wokeUs, readings: readingsAt(agent) };
  }
  throw new NotOnRecordError(`the record of ${agentId} begins after this moment`);
}

/** The agent after its last cycle up to `untilUs` of its own time; null when what is read begins later. */
async function agentAt(
  chain: ChainName,
  from: number,
  untilUs: number,
  ports: ChainPorts,
): Promise<Agent<FleetBelief> | null> {
  const opening = await openingOf(chain, ports);
  const runnable = modelOf(opening, ports.site);
  if (typeof runnable === 'string') throw new NotOnRecordError(runnable);
  let agent: Agent<FleetBelief> | null = null;
  let lost = false;
  try {
    for await (const { content } of checkedBlocks(chain, from, ports)) {
      for (const envelope of content.events) {
        const event = decodeEnvelope(envelope);
        if (event.type === EVENT_TYPE.gap) {
          if (agent !== null && event.atUs > untilUs) return agent;
          // Inputs are missing: what follows is not known until the next snapshot says how the robot was.
          agent = null;
          lost = true;
        } else if (agent === null) {
          agent = agentIn(event, opening, runnable.model);
          if (agent !== null && agent.wokeUs > untilUs) {
            if (lost) throw new NotOnRecordError('its inputs of this moment were lost before they were recorded');
            return null;
          }
        } else if (event.type === EVENT_TYPE.stimulusSegment) {
          const woken = wakeUntil(runnable.model, agent, decodeSegment(event.data).wakes, untilUs);
          agent = woken.agent;
          if (woken.over) return agent;
        }
      }
    }
  } catch (error) {
    if (error instanceof MalformedBytesError || error instanceof NewerFormatError)
      throw new NotOnRecordError(error.message);
    throw error;
  }
  return agent;
}

function wakeUntil(
  model: Model,
  before: Agent<FleetBelief>,
  wakes: ReturnType<typeof decodeSegment>['wakes'],
  untilUs: number,
): { readonly agent: Agent<FleetBelief>; readonly over: boolean } {
  let agent = before;
  for (const { atUs, inbox } of wakes) {
    if (atUs > untilUs) return { agent, over: true };
    agent = step(model, agent, inbox, atUs).agent;
  }
  return { agent, over: false };
}
