import { type Agent, decodeState } from '@sigma/kernel';
import {
  type ChainHead,
  decodeBlock,
  decodeEnvelope,
  decodeKernelEvent,
  decodeSignal,
  decodeSnapshot,
  EVENT_TYPE,
  isRunnerSignal,
  type Opening,
  openingOf,
  type Recording,
} from '@sigma/recorder';

/** How an agent's life before this one ended, by its record. */
export interface EarlierLife {
  /** Epoch to begin now. */
  readonly epoch: number;
  /** Hash of the last block of the epoch before; empty in the first. */
  readonly previousEpochHash: Uint8Array;
  /** What the epoch before began with; null in the first. */
  readonly before: Opening | null;
  /** Actions that had begun and of which no end is on record. */
  readonly inFlight: readonly { readonly id: string; readonly name: string }[];
}

/** Reads what the record knows of an agent's earlier lives. */
export async function earlierLife(recording: Recording, tenant: string, agentId: string): Promise<EarlierLife> {
  const last = await lastHead(recording, tenant, agentId);
  if (last === null) return { ...nextEpoch(last), before: null, inFlight: [] };
  const before = await openingOf(recording, last);
  return { ...nextEpoch(last), before, inFlight: await openActions(recording, last) };
}

/** The same of a writer that is no agent. */
export const earlierEpoch = async (
  recording: Recording,
  tenant: string,
  source: string,
): Promise<Pick<EarlierLife, 'epoch' | 'previousEpochHash'>> => nextEpoch(await lastHead(recording, tenant, source));

const nextEpoch = (last: ChainHead | null): Pick<EarlierLife, 'epoch' | 'previousEpochHash'> =>
  last === null
    ? { epoch: 0, previousEpochHash: new Uint8Array() }
    : { epoch: last.epoch + 1, previousEpochHash: last.hash };

async function lastHead(recording: Recording, tenant: string, source: string): Promise<ChainHead | null> {
  let last: ChainHead | null = null;
  for (const head of await recording.heads()) {
    if (head.tenant === tenant && head.source === source && (last === null || head.epoch > last.epoch)) last = head;
  }
  return last;
}

/** From the last snapshot on, the actions begun and not ended. */
async function openActions(recording: Recording, head: ChainHead): Promise<EarlierLife['inFlight']> {
  const open = new Map<string, string>();
  const snapshot = await recording.snapshotBefore(head, head.atUs);
  for await (const { bytes } of recording.blocks(head, snapshot?.blockSequence ?? 1, head.sequence)) {
    for (const encoded of decodeBlock(bytes).events) {
      const event = decodeEnvelope(encoded);
      if (event.type === EVENT_TYPE.snapshot) {
        const agent = decodeState(new TextDecoder().decode(decodeSnapshot(event).state)) as Agent<unknown>;
        open.clear();
        for (const { action, status } of agent.actions) follow(open, action.id, action.name, status);
      }
      if (event.type !== EVENT_TYPE.signal || isRunnerSignal(decodeSignal(event.data).name)) continue;
      const signal = decodeKernelEvent(event.data);
      if (signal.type === 'action') follow(open, signal.actionId, signal.name, signal.status);
    }
  }
  return [...open].map(([id, name]) => ({ id, name }));
}

function follow(open: Map<string, string>, id: string, name: string, status: string): void {
  if (status === 'accepted' || status === 'running' || status === 'unknown') open.set(id, name);
  else open.delete(id);
}
