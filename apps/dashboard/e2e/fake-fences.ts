import { create } from '@bufbuild/protobuf';
import { type Fence, FenceListSchema, FenceSchema, type PutFenceRequest } from '@sigma/proto';

/** Fences as a hub keeps them: named in the first message of a stream and whenever one was drawn or taken away. */
export class FakeFences {
  #all: Fence[] = [];
  version = 0;

  get all(): readonly Fence[] {
    return this.#all;
  }

  list() {
    return create(FenceListSchema, { fences: this.#all });
  }

  put({ name, kind, speedMps, polygon }: PutFenceRequest, by: string): Fence {
    const shared = { id: `fence-${++this.version}`, name, kind, speedMps, createdBy: by };
    const fence = create(FenceSchema, polygon === undefined ? shared : { ...shared, polygon });
    this.#all = [...this.#all, fence];
    return fence;
  }

  remove(id: string): void {
    this.#all = this.#all.filter((fence) => fence.id !== id);
    this.version++;
  }
}
