import { setTimeout } from 'node:timers/promises';
import { RecordService } from '@sigma/proto';
import { type ChainHead, linkedKey, type Recording, sameBytes } from '@sigma/recorder';
import type { Command } from 'commander';
import { numberAbove } from '../arguments.ts';
import { type HubAccess, type HubFlags, openHub } from '../hub-access.ts';
import { withRecording } from '../recording-input.ts';
import { hubCommand, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';

interface Flags extends HubFlags {
  readonly json?: boolean;
  readonly over: number;
}

interface Held {
  readonly sequence: number;
  readonly hash: Uint8Array;
}

/** `sigma sync FILE`: how much of an edge's recording its hub holds, and how fast the rest goes. */
export function syncCommand(shell: Shell): Command {
  return hubCommand(
    'sync',
    'How much of a recording of an edge the hub holds, chain by chain, and what is still to go',
    ['sigma sync .data/recordings/edge.sqlite', 'sigma sync edge.sqlite --over 10 --json'],
  )
    .argument('<file>', 'recording of an edge')
    .option('--over <s>', 'measure the rate over so many seconds', numberAbove(0, 3_600), 2)
    .action(async (file: string, flags: Flags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const before = await heldBy(hub);
      terminal.progress(`watching for ${flags.over} s`);
      await setTimeout(flags.over * 1000, undefined, { signal: shell.interrupted });
      const now = await heldBy(hub);
      const chains = await withRecording(shell.environment, file, (recording) =>
        standings(recording, before, now, flags),
      );
      const [backlog, backlogBytes, rate] = (['backlog', 'backlogBytes', 'eventsPerS'] as const).map((name) =>
        chains.reduce((sum, chain) => sum + chain[name], 0),
      ) as [number, number, number];
      const rows = chains.map(({ source, epoch, recorded, held, backlog: left, eventsPerS, state }) =>
        [source, epoch, recorded, held, left, eventsPerS.toFixed(0), state].map(String),
      );
      const table = columns([['source', 'epoch', 'recorded', 'at the hub', 'to go', 'events/s', 'state'], ...rows]);
      const sum = `${backlog} events, ${(backlogBytes / 1e6).toFixed(2)} MB to go, ${rate.toFixed(0)} events/s arrive`;
      terminal.result({ recording: file, chains, backlog, backlogBytes, eventsPerS: rate }, `${table}\n${sum}`);
    });
}

async function heldBy(hub: HubAccess): Promise<ReadonlyMap<string, Held>> {
  const { heads } = await hub.attempt(() => hub.client(RecordService).listChains({}));
  return new Map(
    heads.map(({ source, epoch, sequence, hash }) => [
      linkedKey({ source, epoch }),
      { sequence: Number(sequence), hash },
    ]),
  );
}

async function standings(
  recording: Recording,
  before: ReadonlyMap<string, Held>,
  now: ReadonlyMap<string, Held>,
  { over }: Flags,
) {
  const chains = [];
  for (const head of await recording.heads()) {
    const held = now.get(linkedKey(head));
    const reached = Math.min(held?.sequence ?? 0, head.sequence);
    let backlogBytes = 0;
    for await (const { bytes } of recording.blocks(head, reached + 1, head.sequence)) backlogBytes += bytes.length;
    const { source, epoch, sequence: recorded } = head;
    const eventsPerS = ((held?.sequence ?? 0) - (before.get(linkedKey(head))?.sequence ?? 0)) / over;
    const backlog = recorded - reached;
    chains.push({
      source,
      epoch,
      recorded,
      held: reached,
      backlog,
      backlogBytes,
      eventsPerS,
      state: stateOf(head, held),
    });
  }
  return chains;
}

/** What the two ends of a chain say of each other. */
function stateOf(head: ChainHead, held: Held | undefined): 'whole' | 'behind' | 'ahead' | 'FORK' | 'none' {
  if (held === undefined) return 'none';
  if (held.sequence > head.sequence) return 'ahead';
  if (held.sequence < head.sequence) return 'behind';
  return sameBytes(held.hash, head.hash) ? 'whole' : 'FORK';
}
