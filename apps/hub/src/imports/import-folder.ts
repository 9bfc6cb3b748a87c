import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { type GetImportResponse, GetImportResponseSchema } from '@sigma/proto';

const STATED = 'import.json';

/** Imports on disk: each in a folder of its own, with what it is, its recording and its lanes; before that, its bytes. */
export class ImportFolder {
  readonly path: string;

  /** @throws Error when the folder cannot be made */
  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  uploadOf(id: string): string {
    return join(this.path, id, 'upload');
  }

  recordingOf(id: string): string {
    return join(this.path, id, 'recording.sqlite');
  }

  lanesOf(id: string): string {
    return join(this.path, id, 'lanes');
  }

  /** What earlier hubs left here. One whose description cannot be read is told as failed, never left out. */
  read(): readonly GetImportResponse[] {
    const folders = readdirSync(this.path, { withFileTypes: true }).filter((one) => one.isDirectory());
    return folders.map(({ name: id }) => {
      try {
        const known = fromJsonString(GetImportResponseSchema, readFileSync(join(this.path, id, STATED), 'utf8'));
        if (known.import?.id === id) return known;
      } catch {
        // Told below.
      }
      const reason = 'its description cannot be read; delete it and bring the file again';
      return create(GetImportResponseSchema, { import: { id, name: id, state: 'failed', reason } });
    });
  }

  /** @throws an error of the disk */
  keep(id: string, known: GetImportResponse): void {
    const path = join(this.path, id, STATED);
    mkdirSync(join(this.path, id), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, toJsonString(GetImportResponseSchema, known));
    renameSync(`${path}.new`, path);
  }

  dropUpload(id: string): void {
    rmSync(this.uploadOf(id), { force: true });
  }

  /** Half of a recording would look like one that was to end there. */
  dropMade(id: string): void {
    for (const beside of ['', '-wal', '-shm', '-journal']) rmSync(`${this.recordingOf(id)}${beside}`, { force: true });
    rmSync(this.lanesOf(id), { force: true });
  }

  remove(id: string): void {
    rmSync(join(this.path, id), { recursive: true, force: true });
  }

  /** Of everything that is kept here. */
  bytes(): number {
    return readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .reduce((sum, one) => sum + sizeOf(join(one.parentPath, one.name)), 0);
  }
}

/** 0 for what has gone meanwhile. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
