import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SqliteFile } from './sqlite-file.ts';
import { type Commit, type CommitAnswer, errorFacts, type WriterData } from './worker-messages.ts';

/** The thread that writes and syncs one recording. Started by `openSqliteRecorder`. */
const { path, options, bell } = workerData as WriterData;
const port = parentPort;
if (port === null) throw new Error('This file runs in a worker thread');

const say = (answer: CommitAnswer): void => port.postMessage(answer);

function open(): SqliteFile | null {
  try {
    return new SqliteFile(path, 'write', options);
  } catch (error) {
    say({ type: 'failed', error: errorFacts(path, error) });
    return null;
  }
}

function commit(file: SqliteFile, groups: Extract<Commit, { type: 'commit' }>['groups']): void {
  try {
    const refused = file
      .commit(groups)
      .flatMap((error, group) => (error === null ? [] : [{ group, error: errorFacts(path, error) }]));
    say({ type: 'committed', refused });
  } catch (error) {
    say({ type: 'failed', error: errorFacts(path, error) });
  }
}

/** The next message. Asleep on shared memory, this thread is up sooner than one that waits in its event loop. */
function next(from: MessagePort): Commit {
  for (;;) {
    const rung = Atomics.load(bell, 0);
    const received = receiveMessageOnPort(from);
    if (received !== undefined) return received.message as Commit;
    Atomics.wait(bell, 0, rung);
  }
}

const file = open();
if (file !== null) {
  say({ type: 'opened' });
  for (let message = next(port); message.type === 'commit'; message = next(port)) commit(file, message.groups);
  file.close();
  port.close();
}
