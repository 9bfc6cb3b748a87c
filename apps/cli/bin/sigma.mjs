#!/usr/bin/env node
// Before anything is loaded: what a command needs is then stripped of its types and compiled once a machine, not once a
// call. Where it cannot be kept, in a checkout of somebody else, it is not.
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;

// Called by its path, and not by npx, it is run by whatever Node is on the PATH.
if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
  process.stderr.write(
    `sigma: this is Node ${process.versions.node}, and it needs ${NODE_MAJOR}\n` +
      '  In the checkout, `npx sigma` runs it with its own; elsewhere put node_modules/.bin of the checkout in front of PATH\n',
  );
  process.exit(5);
}
const compiled = fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url));
modules.enableCompileCache(compiled);
// Threads and programs that a command starts hear of it by this alone.
process.env.NODE_COMPILE_CACHE ??= compiled;
await import('../src/main.ts');
