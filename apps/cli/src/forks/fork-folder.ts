import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { type CompareForkResponse, CompareForkResponseSchema, type Fork, ForkSchema } from '@sigma/proto';
import { removeRecording } from '@sigma/recorder/sqlite';

const STATED = '.fork.json';
const COMPARED = '.compared.json';

/** Forks on disk: a recording each, what it is, and how it compares to what it was forked from. */
export class ForkFolder {
  readonly #path: string;

  /** @throws Error when the folder cannot be made */
  constructor(path: string) {
    this.#path = path;
    mkdirSync(path, { recursive: true });
  }

  recordingOf(id: string): string {
    return join(this.#path, `${id}.sqlite`);
  }

  /** What earlier hubs left here. One whose description cannot be read is told as failed, never left out. */
  read(): readonly Fork[] {
    const names = readdirSync(this.#path).filter((name) => name.endsWith(STATED));
    return names.map((name) => {
      const id = name.slice(0, -STATED.length);
      try {
        const fork = fromJsonString(ForkSchema, readFileSync(join(this.#path, name), 'utf8'));
        if (fork.id === id) return fork;
      } catch {
        // Told below.
      }
      const reason = `its description ${join(this.#path, name)} cannot be read; delete it, the recording beside it may be whole`;
      return create(ForkSchema, { id, name: id, state: 'failed', reason });
    });
  }

  keep(fork: Fork): void {
    this.#write(`${fork.id}${STATED}`, toJsonString(ForkSchema, fork));
  }

  keepComparison(id: string, comparison: CompareForkResponse): void {
    this.#write(`${id}${COMPARED}`, toJsonString(CompareForkResponseSchema, comparison));
  }

  /** @throws Error when it is not there or cannot be read */
  comparison(id: string): CompareForkResponse {
    return fromJsonString(CompareForkResponseSchema, readFileSync(join(this.#path, `${id}${COMPARED}`), 'utf8'));
  }

  /** Removes the recording; half of one would look like one that was to end there. */
  dropRecording(id: string): void {
    removeRecording(this.recordingOf(id));
    for (const beside of ['.proofs', '.facts']) rmSync(`${this.recordingOf(id)}${beside}`, { force: true });
    rmSync(join(this.#path, `${id}${COMPARED}`), { force: true });
  }

  remove(id: string): void {
    this.dropRecording(id);
    rmSync(join(this.#path, `${id}${STATED}`), { force: true });
  }

  hasRecording(id: string): boolean {
    const path = this.recordingOf(id);
    return existsSync(path) && statSync(path).size > 0;
  }

  #write(name: string, text: string): void {
    const path = join(this.#path, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}
