#!/usr/bin/env node
// Before anything is loaded: what a command needs is then stripped of its types and compiled once a machine, not once a
// call. Where it cannot be kept, in a checkout of somebody else, it is not.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url)));
await import('../src/main.ts');
