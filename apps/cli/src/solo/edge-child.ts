import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EdgeOptions, Pace } from '@sigma/edge';
import { CommandError, EXIT } from '../outcome.ts';
import type { EdgeTally, FromEdge, ToEdge } from './edge-messages.ts';

const PROGRAM = fileURLToPath(new URL('./edge-process.ts', import.meta.url));
/** A process that says nothing for this long when it should is given up. */
const PATIENCE_MS = 60_000;

/** The running process of a simulated fleet's edge. */
export interface EdgeChild {
  readonly tally: () => Promise<EdgeTally>;
  readonly setPace: (pace: Pace) => void;
  /** Resolves with a reason when the edge ended by itself. */
  readonly failed: Promise<string>;
  /** Puts everything on disk and ends the process. @returns what it did */
  readonly close: () => Promise<EdgeTally>;
}

/** @throws CommandError when the edge does not come up */
export async function startEdgeChild(options: EdgeOptions): Promise<EdgeChild> {
  const child = fork(PROGRAM, { execArgv: ['--disable-warning=ExperimentalWarning'], serialization: 'advanced' });
  const failed = new Promise<string>((resolve) => {
    child.on('message', (message: FromEdge) => {
      if (message.type === 'failed') resolve(message.message);
    });
    child.once('exit', (code, signal) => resolve(`the edge process ended (${signal ?? code})`));
  });
  const say = (message: ToEdge): void => {
    if (child.connected) child.send(message);
  };
  const orFailed = <Result>(wanted: Promise<Result>): Promise<Result> =>
    Promise.race([
      wanted,
      failed.then((reason) => {
        throw new CommandError(
          EXIT.machine,
          `the simulated fleet failed: ${reason}`,
          '`sigma doctor` looks at this machine',
        );
      }),
    ]);
  await orFailed(answer(child, 'ready'));
  const started = answer(child, 'started');
  say({ type: 'start', options });
  await orFailed(started);
  let closing: Promise<EdgeTally> | null = null;
  const close = async (): Promise<EdgeTally> => {
    const said = answer(child, 'closed');
    say({ type: 'close' });
    return (await orFailed(said)).tally;
  };
  return {
    failed,
    setPace: (pace) => say({ type: 'pace', pace }),
    tally: async () => {
      const said = answer(child, 'tally');
      say({ type: 'tally' });
      return (await orFailed(said)).tally;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function answer<Type extends FromEdge['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<FromEdge, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the edge process did not say '${type}'`)), PATIENCE_MS).unref();
    const hear = (message: FromEdge): void => {
      if (message.type !== type) return;
      clearTimeout(late);
      child.off('message', hear);
      resolve(message as Extract<FromEdge, { type: Type }>);
    };
    child.on('message', hear);
  });
}
