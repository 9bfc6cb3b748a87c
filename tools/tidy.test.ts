// The walls of the house (DESIGN §2). Each rule is held twice: over the real tree, and over a small planted house that
// breaks it, so that a rule which has stopped seeing anything fails here.

import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deadFiles, drawerNames } from './tidy/drawers.ts';
import { isPure } from './tidy/house.ts';
import { impurities } from './tidy/purity.ts';
import { doubledRules, unknownRules, untestedRules } from './tidy/rules.ts';
import { describeFinding, type Finding, parseModule } from './tidy/syntax.ts';
import { buildHouse, namedStarts, readTree } from './tidy/tree.ts';
import {
  browserUnsafe,
  deepImports,
  edgeHubCrossings,
  type House,
  impureImports,
  kernelImports,
  strangersWhoSeal,
  terrainCrossings,
  unlistedUses,
  unplacedPackages,
  upwardImports,
  worldsInModels,
} from './tidy/walls.ts';

type Rule = (house: House) => Finding[];

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const files = readTree(root);
const house = buildHouse(files);
const starts = namedStarts(files);

const pureCode: Rule = ({ modules }) => modules.filter(({ path }) => isPure(path)).flatMap(impurities);
const nothingDead: Rule = (built) => deadFiles(built, built === house ? starts : []);

/** Folder of a package to its import name, for the planted houses. */
const NAMES: Readonly<Record<string, string>> = {
  kernel: '@sigma/kernel',
  proto: '@sigma/proto',
  swarm: '@sigma/swarm',
  recorder: '@sigma/recorder',
  telemetry: '@sigma/telemetry',
  'terrains/fleet/model': '@sigma/fleet-model',
  'terrains/fleet/world': '@sigma/fleet-world',
  'terrains/city/model': '@sigma/city-model',
  'apps/edge': '@sigma/edge',
  'apps/hub': '@sigma/hub',
  'apps/cli': '@sigma/cli',
  'apps/dashboard': '@sigma/dashboard',
  sim: '@sigma/sim',
};

/** A house with every package present and the given files in it. */
function plant(texts: Readonly<Record<string, string>>): House {
  const manifests = Object.entries(NAMES).map(([folder, name]) => ({
    path: `${folder}/package.json`,
    text: JSON.stringify({ name, exports: { '.': './src/index.ts', './testing': './testing/index.ts' } }),
  }));
  return buildHouse([...manifests, ...Object.entries(texts).map(([path, text]) => ({ path, text }))]);
}

/** Asserts that a rule finds exactly one thing in a house that holds one file, and nothing in the harmless variant. */
function catches(rule: Rule, path: string, broken: string, harmless: string): void {
  const found = rule(plant({ [path]: broken })).map(describeFinding);
  assert.equal(found.length, 1, `expected one finding for ${broken}, got:\n${found.join('\n')}`);
  assert.match(found[0] ?? '', new RegExp(`^${path.replace(/[/.]/g, '\\$&')}`));
  assert.deepEqual(rule(plant({ [path]: harmless })).map(describeFinding), []);
}

function holds(title: string, rule: Rule): void {
  test(title, () => {
    const found = rule(house).map(describeFinding);
    assert.equal(found.length, 0, `\n${found.join('\n')}\n`);
  });
}

describe('the house stands', () => {
  holds('every package has a level', unplacedPackages);
  holds('a package imports only from lower levels', upwardImports);
  holds('kernel imports nothing, not even node:', kernelImports);
  holds('pure packages import no Node module and only pure libraries', impureImports);
  holds('swarm, models and the dashboard use only what the design names', unlistedUses);
  holds('terrains never import each other and recorder imports no terrain', terrainCrossings);
  holds('a model never imports a world', worldsInModels);
  holds('edge and hub never import each other', edgeHubCrossings);
  holds("recorder's root is safe in a browser", browserUnsafe);
  holds('[R175] nobody seals but who knows people: what re-execution needs is never sealed', strangersWhoSeal);
  holds('packages are used by their exports, never by a path into them', deepImports);
  holds('[L12] pure packages hold no ambient time, chance or inexact arithmetic', pureCode);
  holds('no file is dead', nothingDead);
  holds('no file or folder is named after a drawer', drawerNames);
  holds('no two rules of the SPEC.md files have one number', doubledRules);
  holds('every number that a test title carries is a rule or a law', unknownRules);
  holds('every rule is named by the title of a test', untestedRules);
});

describe('a planted break is found', () => {
  test('a package without a level', () => {
    const lost = buildHouse([{ path: 'attic/package.json', text: '{"name":"@sigma/attic"}' }]);
    assert.match(
      unplacedPackages(lost).map(describeFinding).join(),
      /attic\/package\.json: @sigma\/attic has no level/,
    );
  });

  test('an import upwards, also of a type, an export or a dynamic import', () => {
    const harmless = "import { draw } from '@sigma/kernel';";
    for (const broken of [
      "import { Sim } from '@sigma/sim';",
      "import type { Sim } from '@sigma/sim';",
      "export * from '@sigma/sim';",
      "const sim = await import('@sigma/sim');",
      "let sim: import('@sigma/sim').Sim;",
      "const sim = require('@sigma/sim');",
    ]) {
      catches(upwardImports, 'telemetry/src/index.ts', broken, harmless);
    }
  });

  test('an import from the same level, with the stated exceptions allowed', () => {
    catches(upwardImports, 'swarm/src/index.ts', "import '@sigma/recorder';", "import '@sigma/kernel';");
    catches(
      upwardImports,
      'terrains/fleet/world/src/a.ts',
      "import '@sigma/city-model';",
      "import '@sigma/fleet-model';",
    );
    catches(upwardImports, 'apps/cli/src/main.ts', "import '@sigma/dashboard';", "import '@sigma/sim';");
  });

  test('a kernel that imports', () => {
    catches(kernelImports, 'kernel/src/a.ts', "import { hash } from 'node:crypto';", "import { b } from './b.ts';");
    catches(kernelImports, 'kernel/src/a.ts', "import fc from 'fast-check';", '');
    assert.deepEqual(kernelImports(plant({ 'kernel/src/a.test.ts': "import { test } from 'node:test';" })), []);
  });

  test('a pure package that reaches for Node or an unknown library', () => {
    catches(impureImports, 'swarm/src/a.ts', "import { readFile } from 'fs/promises';", "import './b.ts';");
    catches(
      impureImports,
      'terrains/fleet/model/src/a.ts',
      "import _ from 'lodash';",
      "import { run } from '@bufbuild/cel';",
    );
    catches(impureImports, 'telemetry/src/a.ts', 'const m = await import(name);', "const m = await import('./b.ts');");
  });

  test('a swarm, a model or a dashboard that uses more than the design names', () => {
    catches(unlistedUses, 'swarm/src/a.ts', "import '@sigma/proto';", "import '@sigma/kernel';");
    catches(unlistedUses, 'terrains/fleet/model/src/a.ts', "import '@sigma/recorder';", "import '@sigma/swarm';");
    catches(unlistedUses, 'apps/dashboard/src/a.tsx', "import '@sigma/hub';", "import '@sigma/fleet-model';");
    catches(unlistedUses, 'apps/dashboard/src/a.tsx', "import '@sigma/recorder/testing';", "import '@sigma/recorder';");
    catches(unlistedUses, 'apps/dashboard/src/a.tsx', "import '@sigma/fleet-world';", "import '@sigma/proto';");
  });

  test('a terrain that sees another, a recorder that sees one', () => {
    catches(
      terrainCrossings,
      'terrains/fleet/world/src/a.ts',
      "import '@sigma/city-model';",
      "import '@sigma/fleet-model';",
    );
    catches(
      terrainCrossings,
      'recorder/src/a.ts',
      "import type { M } from '@sigma/fleet-model';",
      "import '@sigma/kernel';",
    );
  });

  test('a model that sees its world', () => {
    catches(worldsInModels, 'terrains/fleet/model/src/a.ts', "import '@sigma/fleet-world';", "import '@sigma/kernel';");
  });

  test('an edge that sees the hub, a hub that sees the edge', () => {
    catches(edgeHubCrossings, 'apps/edge/src/a.ts', "import '@sigma/hub';", "import '@sigma/proto';");
    catches(edgeHubCrossings, 'apps/hub/src/a.ts', "import '@sigma/edge';", "import '@sigma/proto';");
  });

  test('a recorder root that a browser cannot load', () => {
    catches(browserUnsafe, 'recorder/src/a.ts', "import { open } from 'node:fs';", "import './b.ts';");
    catches(
      browserUnsafe,
      'recorder/src/a.ts',
      "import '../stores/sqlite/sqlite-store.ts';",
      "import '@sigma/kernel';",
    );
    assert.deepEqual(browserUnsafe(plant({ 'recorder/stores/sqlite/a.ts': "import { open } from 'node:fs';" })), []);
  });

  test('[R175] a runner of agents, a journal or a door of the hub that seals what it writes', () => {
    for (const [path, broken] of [
      ['apps/edge/src/live/reflex-loop.ts', "import { sealEvent } from '@sigma/recorder/personal';"],
      ['sim/src/a.ts', "const { sealEvent } = await import('@sigma/recorder/personal');"],
      ['apps/hub/src/roles/arbitration/hub-record.ts', "import { sealEvent } from '@sigma/recorder/personal';"],
      ['recorder/src/agent-journal.ts', "import { sealEvent } from '../archive/personal/sealed-payload.ts';"],
      ['recorder/archive/thin.ts', "export { sealEvent } from './personal/index.ts';"],
    ] as const) {
      catches(strangersWhoSeal, path, broken, "import { verify } from '@sigma/recorder';");
    }
    const known = "import { sealEvent } from '@sigma/recorder/personal';";
    for (const path of [
      'apps/hub/src/identity/people.ts',
      'apps/cli/src/commands/erase.ts',
      'apps/hub/src/a.test.ts',
    ]) {
      assert.deepEqual(strangersWhoSeal(plant({ [path]: known })), [], path);
    }
  });

  test('a path into another package', () => {
    catches(deepImports, 'sim/src/a.ts', "import '@sigma/kernel/src/step.ts';", "import '@sigma/kernel/testing';");
    catches(deepImports, 'sim/src/a.ts', "import '../../kernel/src/step.ts';", "import '../testing/b.ts';");
  });

  test('[L12] ambient time, chance, effects and inexact arithmetic, however they are spelled', () => {
    for (const broken of [
      'const t = Date.now();',
      'const t = new Date(0);',
      'const t = performance.now();',
      'setTimeout(() => {}, 1);',
      'const x = Math.random();',
      'const x = Math.sin(1);',
      'const x = Math.hypot(3, 4);',
      "const x = Math['sqrt'](2);",
      'const { sqrt } = Math;',
      'const x = 2 ** 0.5;',
      'let x = 2; x **= 3;',
      'const x = crypto.randomUUID();',
      'const x = globalThis;',
      'const x = process;',
      'const x = { process };',
      "const x = 'a'.localeCompare('b');",
      'const x = import.meta.url;',
      'const f = (Date: number) => Date; const t = Date;',
      'const f = (x = Date.now()) => x;',
      'const x = (Date as unknown);',
      'export { Date };',
    ]) {
      catches(pureCode, 'kernel/src/a.ts', broken, 'const x = Math.sqrt(2) + Math.PI;');
    }
  });

  test('[L12] what only looks like it is left alone', () => {
    for (const harmless of [
      '// Date.now() and Math.random() in a comment',
      "const x = 'Math.random()';",
      'const process = (self: number) => self; process(1);',
      'const x = { Date: 1, performance: 2 }; x.performance;',
      'function f({ crypto }: { crypto: number }) { return crypto; }',
      'interface Shape { readonly at: Date; now(): Date }',
      'try { f(); } catch (process) { throw process; }',
      'for (const self of [1]) f(self);',
      'class C { fetch() { return this.fetch; } }',
      "import { console } from './b.ts'; console.log(1);",
    ]) {
      assert.deepEqual(pureCode(plant({ 'kernel/src/a.ts': harmless })).map(describeFinding), [], harmless);
    }
    assert.deepEqual(
      pureCode(plant({ 'kernel/src/a.test.ts': 'Date.now();', 'apps/hub/src/a.ts': 'Date.now();' })),
      [],
    );
  });

  test('a dead file, and one that only its own test keeps alive', () => {
    const alive = {
      'kernel/src/index.ts': "export { a } from './a.ts';\nconst w = new URL('./worker.ts', import.meta.url);",
      'kernel/src/a.ts': 'export const a = 1;',
      'kernel/src/worker.ts': '',
      'kernel/testing/index.ts': "import './fake.ts';",
      'kernel/testing/fake.ts': '',
      'kernel/src/a.test.ts': "import '../testing/only-here.ts';",
      'kernel/testing/only-here.ts': '',
    };
    assert.deepEqual(nothingDead(plant(alive)).map(describeFinding), []);
    const broken = {
      ...alive,
      'kernel/src/b.ts': '',
      'kernel/src/c.ts': '',
      'kernel/src/c.test.ts': "import './c.ts';",
    };
    assert.deepEqual(nothingDead(plant(broken)).map(describeFinding), [
      'kernel/src/b.ts: no entry, program or test reaches this file',
      'kernel/src/c.ts: only tests reach this file',
    ]);
  });

  test('an entry that package.json promises and nobody wrote', () => {
    const found = nothingDead(plant({ 'swarm/src/a.ts': '' })).map(describeFinding);
    assert.ok(found.includes('swarm/src/index.ts: @sigma/swarm exports . from this file, which does not exist'));
    assert.ok(!found.some((line) => line.startsWith('swarm/src/a.ts')));
  });

  test('a file named after a drawer', () => {
    const found = (path: string) => drawerNames(plant({ [path]: '' })).map(describeFinding);
    assert.deepEqual(found('kernel/src/string-utils.ts'), [
      'kernel/src/string-utils.ts: "utils" names a drawer; name the idea',
    ]);
    assert.equal(found('sim/common/clock.ts').length, 1);
    assert.deepEqual(found('kernel/src/commons-vote.ts'), []);
  });

  test('a number that stands twice, in one SPEC.md or in two, and a SPEC.md in which no rule is found', () => {
    const found = (specs: Readonly<Record<string, string>>) => doubledRules(plant(specs)).map(describeFinding);
    const sound = '# Rules\n\n- **R1** As [R2] says, and [R2].\n- **[R2]** One. **[R3]** Another.\n- [R4] The last.\n';
    assert.deepEqual(found({ 'recorder/SPEC.md': sound }), []);
    assert.deepEqual(found({ 'recorder/SPEC.md': `${sound}- **R3** Again.\n` }), [
      'recorder/SPEC.md:6: R3 stands already in recorder/SPEC.md:4; give one another number',
    ]);
    assert.deepEqual(found({ 'kernel/SPEC.md': '- **[R4]** Mine.\n', 'recorder/SPEC.md': sound }), [
      'recorder/SPEC.md:5: R4 stands already in kernel/SPEC.md:1; give one another number',
    ]);
    assert.deepEqual(found({ 'kernel/SPEC.md': '- Nothing moves by itself.\n' }), [
      'kernel/SPEC.md: no numbered rule stands in this file',
    ]);
  });

  test('a title that carries a number which is no rule, wherever tests have their titles', () => {
    const found = (path: string, text: string) =>
      unknownRules(plant({ 'recorder/SPEC.md': '- **R1** One.\n', [path]: text })).map(describeFinding);
    for (const [path, broken] of [
      ['recorder/src/a.test.ts', "test('[R1] [R2] it stands', () => {});"],
      ['recorder/src/a.test.ts', "test('it stands [R2]', { skip }, async () => {});"],
      ['recorder/src/a.test.ts', `test(\`\${name}: [R2] it stands\`, () => {});`],
      ['recorder/src/a.test.ts', "test('all', async (t) => { await t.test('[R2] it stands', () => {}); });"],
      ['recorder/src/a.test.ts', "describe('[R2] what stands', () => {});"],
      ['recorder/src/a.test.ts', "test('[L13] a law that nobody gave', () => {});"],
      ['recorder/testing/contract.ts', "exam('[R2] it stands', () => {});"],
      ['recorder/soak/crash.ts', "story('[R2] it stands', () => {});"],
    ] as const) {
      const lines = found(path, `const name = 'x';\n${broken}`);
      assert.equal(lines.length, 1, `expected one finding for ${broken}, got:\n${lines.join('\n')}`);
      assert.match(lines[0] ?? '', new RegExp(`^${path}:2: \\[(R2|L13)\\] is no rule of any SPEC\\.md$`));
    }
    for (const harmless of [
      "test('[R1] [L12] it stands', () => {});",
      "test('[Q2] a letter of no SPEC.md, [R2b] and R2 in words', () => {});",
      "// [R2]\nassert.equal(1, 1, '[R2]');",
    ]) {
      assert.deepEqual(found('recorder/src/a.test.ts', harmless), [], harmless);
    }
    assert.deepEqual(found('recorder/src/a.ts', "test('[R2] no test stands here', () => {});"), []);
  });

  test('a rule that no title names: a comment, a skipped test and a message are no title', () => {
    const found = (test: string) =>
      untestedRules(plant({ 'recorder/SPEC.md': '- **R1** One. **[R2]** Two.\n', 'recorder/src/a.test.ts': test }));
    assert.deepEqual(found("test('[R1] one', () => {});\ntest('[R2] two', () => {});"), []);
    for (const broken of [
      '// [R2]',
      "test.skip('[R2] two', () => {});",
      "assert.equal(1, 1, '[R2]');",
      "plant('[R2]');",
    ]) {
      assert.deepEqual(
        found(`test('[R1] one', () => {});\n${broken}`).map(describeFinding),
        ['recorder/SPEC.md:1: no test title carries [R2]'],
        broken,
      );
    }
  });

  test('a file that does not parse is an error, never a pass', () => {
    assert.throws(() => parseModule({ path: 'a.ts', text: 'const = 1;' }), /a\.ts does not parse/);
  });
});
