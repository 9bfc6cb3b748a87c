// Both ends of sync, each a process of its own, and what is asked of them.

import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestServer } from '@sigma/recorder/postgres/testing';
import type { SyncEdgeSetup } from './sync-edge.ts';
import type { SyncHubReport } from './sync-hub.ts';

export const clear = (server: TestServer): Promise<unknown> =>
  server.asOwner('TRUNCATE recorder.blocks, recorder.chains, recorder.snapshots');

export interface HubChild {
  readonly child: ChildProcess;
  readonly url: string;
}

export async function startHub(server: TestServer, tenant: string): Promise<HubChild> {
  const child = spawnPart('./sync-hub.ts', server.url, tenant);
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  return { child, url: `http://127.0.0.1:${port}` };
}

function spawnPart(file: string, ...args: readonly string[]): ChildProcess {
  const node = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(file, import.meta.url)), ...args];
  return spawn(process.execPath, node, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

export async function ask({ child }: HubChild, what: 'report' | 'forget'): Promise<SyncHubReport> {
  const answer = once(child, 'message') as Promise<[SyncHubReport]>;
  child.send(what);
  return (await answer)[0];
}

export interface Drain {
  readonly home: string;
  readonly name: string;
  readonly path: string;
  readonly tenant: string;
  readonly sources: readonly string[];
  readonly framesPerS: number;
  /** Bytes to be drained. */
  readonly bytes: number;
}

/** An edge links, and is ended when the hub has everything on its disk. */
export async function drain(hub: HubChild, { home, name, path, bytes, ...setup }: Drain): Promise<SyncHubReport> {
  await ask(hub, 'forget');
  const places = { hubUrl: hub.url, recordingPath: path, folder: join(home, name), livingFolder: null };
  const edge = startEdge({ ...setup, ...places });
  try {
    for (;;) {
      await pause(200);
      const report = await ask(hub, 'report');
      if (report.bytes >= bytes) return report;
    }
  } finally {
    edge.kill();
  }
}

export const startEdge = (setup: SyncEdgeSetup): ChildProcess => spawnPart('./sync-edge.ts', JSON.stringify(setup));

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An edge's word of that kind. */
export async function heard(edge: ChildProcess, word: string): Promise<void> {
  const messages = on(edge, 'message') as AsyncIterable<[string]>;
  for await (const [said] of messages) if (said === word) return;
}
