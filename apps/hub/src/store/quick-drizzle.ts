import { type ResolveFnOutput, registerHooks } from 'node:module';

const NAME = 'drizzle-orm';
const WITHIN = `/node_modules/${NAME}/`;
const found = new Map<string, ResolveFnOutput>();

/**
 * Tells Node where the files of drizzle-orm are and that all of them are modules, instead of letting it look into their
 * package.json: it parses the 130 KB of `exports` in there anew for each import of each of a hundred files
 * (`getPackageScopeConfig` of Node 24), half of the time that loading the hub took. The house has one drizzle-orm, so
 * that a name means the same everywhere. Import this first, and the hub behind it by `import()`.
 */
registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier.startsWith('.') && context.parentURL?.includes(WITHIN) === true)
      return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true };
    if (specifier !== NAME && !specifier.startsWith(`${NAME}/`)) return next(specifier, context);
    const known = found.get(specifier) ?? next(specifier, context);
    found.set(specifier, known);
    return { ...known, shortCircuit: true };
  },
});
