/** A part of the house under mutation: what is changed, and the tests that must notice. */
export interface MutatePart {
  readonly name: string;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

export const MUTATE_PARTS: readonly MutatePart[] = [
  {
    name: 'kernel',
    sources: [
      'kernel/src/arbiter*.ts',
      'kernel/src/failsafe*.ts',
      'kernel/src/expectation*.ts',
      'kernel/src/{arbiter,failsafe,expectation}*/**/*.ts',
    ],
    // The elementary functions have tests of their own, minutes long, and reach nothing that is mutated.
    tests: ['kernel/{src,testing}/**/!(elementary|engines).test.ts'],
  },
  {
    name: 'recorder-append',
    sources: ['recorder/src/chain-writer.ts', 'recorder/src/block.ts'],
    tests: ['recorder/src/{chain-writer,block,block-scan,agent-journal}.test.ts', 'recorder/src/verify/*.test.ts'],
  },
  {
    name: 'recorder-verify',
    sources: ['recorder/src/verify/*.ts'],
    // What was dropped is judged where it is put together.
    tests: ['recorder/src/verify/*.test.ts', 'recorder/src/sync/gap.test.ts'],
  },
  {
    name: 'recorder-tree',
    sources: ['recorder/src/proof/{merkle,merkle-proof,tiles}.ts'],
    tests: ['recorder/src/proof/{merkle,tiles,event-proof,proof-file}.test.ts'],
  },
];

/** @throws RangeError when there is no such part */
export function partOf(name: string): MutatePart {
  const part = MUTATE_PARTS.find((one) => one.name === name);
  if (part !== undefined) return part;
  throw new RangeError(`No part '${name}'; there are ${MUTATE_PARTS.map((one) => one.name).join(', ')}`);
}
