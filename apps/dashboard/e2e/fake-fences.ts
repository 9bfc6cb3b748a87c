import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type Act,
  ActSchema,
  type Fence,
  FenceListSchema,
  FenceSchema,
  type PutFenceRequest,
  type ReviseFenceRequest,
} from '@sigma/proto';
import { mergeTexts } from '@sigma/recorder';

/** Fences as a hub keeps them: named in the first message of a stream and whenever one was drawn, changed or taken away. */
export class FakeFences {
  #all: Fence[] = [];
  /** The note of every version of every fence. */
  readonly #notes = new Map<string, string>();
  /** Who changed which, newest first, as the hub writes it down. */
  readonly acts: Act[] = [];
  /** Why commands were refused. */
  readonly rejected: string[] = [];
  version = 0;

  get all(): readonly Fence[] {
    return this.#all;
  }

  list() {
    return create(FenceListSchema, { fences: this.#all });
  }

  put({ name, kind, speedMps, polygon, note }: PutFenceRequest, by: string): Fence {
    const shared = { id: `fence-${++this.version}`, name, kind, speedMps, createdBy: by, version: 1, note };
    const fence = create(FenceSchema, polygon === undefined ? shared : { ...shared, polygon });
    this.#all = [...this.#all, fence];
    this.#notes.set(`${fence.id} 1`, note);
    return fence;
  }

  /** Shape and name as the last sender has them; the note merged. `quietly`: the pages hear of it with the next change. */
  revise({ fenceId, version, onlyIfInForce, shape, name, note }: ReviseFenceRequest, by: string, quietly = false) {
    const fence = this.#all.find(({ id }) => id === fenceId);
    if (fence === undefined) throw new ConnectError(`there is no fence '${fenceId}'`, Code.NotFound);
    if (onlyIfInForce) this.#judge(fence, version);
    const base = this.#notes.get(`${fenceId} ${version}`) ?? '';
    const merge = mergeTexts(base, fence.note, note ?? fence.note);
    const next = create(FenceSchema, {
      ...fence,
      ...(shape?.polygon !== undefined && { kind: shape.kind, speedMps: shape.speedMps, polygon: shape.polygon }),
      name: name ?? fence.name,
      note: merge.type === 'merged' ? merge.text : fence.note,
      version: fence.version + 1,
    });
    this.#notes.set(`${fenceId} ${next.version}`, next.note);
    this.#all = this.#all.map((one) => (one === fence ? next : one));
    const part = shape === undefined ? (note === undefined ? 'the name' : 'the note') : 'the shape';
    this.#did(fenceId, by, `changed ${part} of the fence, from version ${version}`);
    if (!quietly) this.version++;
    const conflicts = merge.type === 'conflict' ? merge.conflicts : [];
    return {
      fence: next,
      conflicts: conflicts.map(({ base, ours, theirs }) => ({ base: [...base], ours: [...ours], theirs: [...theirs] })),
    };
  }

  remove(id: string, expects = 0): void {
    const fence = this.#all.find((one) => one.id === id);
    if (fence !== undefined && expects > 0) this.#judge(fence, expects);
    this.#all = this.#all.filter((one) => one !== fence);
    this.version++;
  }

  #did(fenceId: string, actor: string, summary: string): void {
    const shared = { id: `act-${this.acts.length}`, timeUs: BigInt(Date.now()) * 1000n, actor, act: 'ReviseFence' };
    this.acts.unshift(create(ActSchema, { ...shared, summary, targets: [fenceId], outcome: 'accepted' }));
  }

  #judge({ id, version }: Fence, expects: number): void {
    if (version === expects) return;
    this.version++;
    const reason = `it was meant for version ${expects} of fence/${id}; version ${version} is in force`;
    this.rejected.push(reason);
    throw new ConnectError(reason, Code.FailedPrecondition);
  }
}
