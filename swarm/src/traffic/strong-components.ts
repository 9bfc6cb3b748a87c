import type { RoadGraph } from './road-graph.ts';

export type StrongComponents = {
  /** Component number of each cell, -1 for cells that are not open. */
  readonly componentOf: Int32Array;
  /** Cells in each component. Components are numbered by their smallest cell, ascending. */
  readonly sizes: Int32Array;
};

/**
 * Strongly connected components (Tarjan 1972, with an explicit stack: a site may have any number of
 * cells). One-way aisles leave a site sound when all open cells form one component. [S3]
 */
export function strongComponents(graph: RoadGraph): StrongComponents {
  const { cellCount, offsets, targets, open } = graph;
  const order = new Int32Array(cellCount).fill(-1);
  const low = new Int32Array(cellCount);
  const raw = new Int32Array(cellCount).fill(-1);
  const stack = new Int32Array(cellCount);
  const call = new Int32Array(cellCount);
  const nextEdge = offsets.slice(0, cellCount);
  let stacked = 0;
  let visited = 0;
  let components = 0;
  for (let root = 0; root < cellCount; root++) {
    if (open[root] === 0 || order[root] !== -1) continue;
    let depth = 0;
    call[0] = root;
    order[root] = low[root] = visited++;
    stack[stacked++] = root;
    while (depth >= 0) {
      const cell = call[depth] as number;
      const edge = nextEdge[cell] as number;
      if (edge < (offsets[cell + 1] as number)) {
        nextEdge[cell] = edge + 1;
        const target = targets[edge] as number;
        if (order[target] === -1) {
          order[target] = low[target] = visited++;
          stack[stacked++] = target;
          call[++depth] = target;
        } else if (raw[target] === -1 && (order[target] as number) < (low[cell] as number)) {
          low[cell] = order[target] as number;
        }
        continue;
      }
      if (low[cell] === order[cell]) {
        let member: number;
        do {
          member = stack[--stacked] as number;
          raw[member] = components;
        } while (member !== cell);
        components++;
      }
      depth--;
      if (depth >= 0) {
        const caller = call[depth] as number;
        if ((low[cell] as number) < (low[caller] as number)) low[caller] = low[cell] as number;
      }
    }
  }
  return numberBySmallestCell(raw, components);
}

function numberBySmallestCell(raw: Int32Array, components: number): StrongComponents {
  const numberOf = new Int32Array(components).fill(-1);
  const sizes = new Int32Array(components);
  const componentOf = new Int32Array(raw.length).fill(-1);
  let used = 0;
  for (let cell = 0; cell < raw.length; cell++) {
    const found = raw[cell] as number;
    if (found === -1) continue;
    if (numberOf[found] === -1) numberOf[found] = used++;
    const component = numberOf[found] as number;
    componentOf[cell] = component;
    sizes[component] = (sizes[component] as number) + 1;
  }
  return { componentOf, sizes };
}
