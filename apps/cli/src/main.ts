// The composition root of `sigma`: the only place that reads the environment and the arguments.

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// What is loaded from here on is compiled once a machine. Where it cannot be kept, in a checkout of somebody else, it is not.
enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url)));

const begin = async () => {
  const { QueryProcess } = await import('@sigma/recorder/query-process');
  return new QueryProcess();
};

// The process that answers a question takes longer to start than all the rest of this program: it does so meanwhile.
const [command, ...words] = process.argv.slice(2);
const asksHere = command === 'query' && !words.some((word) => /^(-h|--help|--hub(=.*)?)$/.test(word));
// What keeps it from starting is told by the command, which tries again.
const queryBegun = asksHere ? await begin().catch(() => null) : null;

await import('@sigma/hub/quick-drizzle');
const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine({ env: process.env, argv: process.argv, queryBegun });
