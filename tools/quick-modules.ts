// Loaded first by every test file and the threads it starts: finds the modules that each of them loads by the hundred
// without looking for them. A third of the time until a test begins went into that.

import { type ResolveFnOutput, registerHooks } from 'node:module';

/** Packages of which the house has one each, so that a name means the same from wherever it is asked for. */
const ONE_OF_EACH = /^@(sigma|bufbuild|connectrpc|noble)\//;
const found = new Map<string, ResolveFnOutput>();

/**
 * What Node finds out anew for each import: that a file is there, and by the package.json above it what kind it is. Our
 * own sources are modules in TypeScript, named with their ending; `dist/esm` of a package holds modules. Whatever is
 * none of those, Node looks for itself. A file that is missing is told when it is read.
 */
registerHooks({
  resolve: (specifier, context, next) => {
    const { parentURL, conditions } = context;
    if (parentURL === undefined || !conditions.includes('import')) return next(specifier, context);
    if (specifier.startsWith('.')) {
      const beside = (format: string) => ({ url: new URL(specifier, parentURL).href, format, shortCircuit: true });
      if (specifier.endsWith('.ts') && !parentURL.includes('/node_modules/')) return beside('module-typescript');
      if (specifier.endsWith('.js') && parentURL.includes('/dist/esm/')) return beside('module');
    }
    if (!ONE_OF_EACH.test(specifier)) return next(specifier, context);
    const known = found.get(specifier) ?? next(specifier, context);
    found.set(specifier, known);
    return { ...known, shortCircuit: true };
  },
});
