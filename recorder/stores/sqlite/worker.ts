import { parentPort, workerData } from 'node:worker_threads';
import { SqliteFile, type SqliteOptions } from './sqlite-file.ts';
import { type Commit, type CommitAnswer, errorFacts } from './worker-messages.ts';

/** The thread that writes and syncs one recording. Started by `openSqliteRecorder`. */
const { path, options } = workerData as { readonly path: string; readonly options: SqliteOptions };
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

const file = open();
if (file !== null) {
  say({ type: 'opened' });
  port.on('message', (message: Commit) => {
    if (message.type === 'commit') {
      commit(file, message.groups);
      return;
    }
    file.close();
    port.close();
  });
}
