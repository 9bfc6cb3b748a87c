import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Route } from 'playwright-core';
import { RESULTS } from './build.ts';
import { drawnSeldom, FirstPage, withoutBrowser, withoutWebGl } from './page.ts';
import { openRealHouse, type RealHouse } from './real-house.ts';

const SIGMA = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const VIEWPORT = { width: 1440, height: 900 };
const BOB = 'bob@example.org';

describe('two people and one fence, before a real hub', { skip: withoutBrowser, timeout: 180_000 }, () => {
  let house: RealHouse;
  let ada: FirstPage;
  let bob: FirstPage;

  before(async () => {
    house = await openRealHouse({ robots: 1, people: 0, work: false }, VIEWPORT);
    ada = house.page;
    await withoutWebGl(ada.page);
    await ada.open(house.system.url);
    await ada.signIn(house.system.email, house.system.password);
    await ada.isLive();
  });

  after(() => house?.close());

  /** Opens the fence that stands, to be changed. */
  const change = async (person: FirstPage): Promise<void> => {
    await person.at('draw-fence').click();
    await person.page.locator('[data-testid^=change-f]').first().click();
    await person.at('revise-form').waitFor();
  };

  test('somebody is given an account, and signs in at another screen', async () => {
    await ada.goTo('/accounts');
    const form = ada.at('new-account');
    await form.getByLabel('E-mail').fill(BOB);
    await form.getByLabel('Name').fill('Bob');
    await form.getByLabel('Role').selectOption('operator');
    await ada.at('create-account').click();
    const password = (await ada.at('password').textContent()) ?? '';
    await ada.at('password-done').click();
    await ada.goTo('/');
    const context = await house.browser.newContext({ viewport: VIEWPORT });
    bob = new FirstPage(await context.newPage());
    await withoutWebGl(bob.page);
    await drawnSeldom(bob.page);
    await bob.open(house.system.url);
    await bob.signIn(BOB, password);
    await bob.isLive();
  });

  test('a fence that one draws stands before both', async () => {
    await ada.at('draw-fence').click();
    for (const [xM, yM] of [
      [30, 10],
      [40, 10],
      [40, 20],
      [30, 20],
    ] as const)
      await ada.clickSite(xM, yM);
    await ada.at('close-zone').click();
    await ada.at('fence-form').getByLabel('Name').fill('wet floor');
    await ada.at('fence-note').fill('why: a leak\nuntil: noon');
    await ada.at('send-fence').click();
    await ada.at('fence-form').waitFor({ state: 'detached' });
    await bob.at('draw-fence').click();
    await bob.says(bob.page.locator('.fence-list'), /wet floor/);
    await bob.at('compose-cancel').click();
  });

  test('[R129] a change that comes late is refused: it was made of what is not in force any more', async () => {
    await change(ada);
    await change(bob);
    await ada.at('fence-note').fill('why: a leak\nuntil: midnight');
    const late = Promise.withResolvers<Route>();
    await ada.page.route(/ReviseFence/, (route) => late.resolve(route), { times: 1 });
    await ada.at('send-revision').click();
    const underWay = await late.promise;

    await bob.at('revise-form').getByLabel('Name').fill('ice');
    await bob.at('fence-note').fill('why: frost\nuntil: one');
    await bob.at('send-revision').click();
    await bob.at('revise-form').waitFor({ state: 'detached' });

    await underWay.continue();
    await ada.says(ada.at('last-act'), /it was meant for version 1 .* version 2 is in force/);
  });

  test('[R129] what he made of it is laid beside hers; she sends over it, and one line that both wrote is hers to settle', async () => {
    const meanwhile = ada.at('meanwhile');
    await ada.says(meanwhile, /you opened version 1, version 2 is in force/);
    await ada.says(meanwhile, /Name was.*wet floor.*It is now.*ice.*theirs stays/s);
    await ada.says(ada.at('send-revision'), /Send mine over version 2/);
    await ada.at('send-revision').click();
    await ada.says(ada.at('note-conflict'), /It was.*until: noon.*It stands.*until: one.*Yours.*until: midnight/s);
    await ada.page.screenshot({ path: join(RESULTS, 'fence-conflict.png') });
    await ada.at('note-mine').check();
    await ada.at('settle-note').click();
    await ada.at('revise-form').waitFor({ state: 'detached' });
    await bob.at('draw-fence').click();
    await bob.page.locator('.fence-list .link').first().click();
    await bob.says(bob.at('robot-panel'), /ice.*why: .*until: midnight/s);
  });

  test('what each of them did, what was refused, and that both wrote one line, is on record', async () => {
    await bob.goTo('/');
    await ada.goTo('/acts');
    await ada.says(ada.at('acts-list'), /refused.*it was meant for version 1/s);
    await house.system.end();
    const hub = join(house.system.dataDir, 'hub', 'hub.sqlite');
    const show = ['--disable-warning=ExperimentalWarning', SIGMA, 'record', 'show', '--agents', 'hub', hub];
    const { stdout } = await promisify(execFile)(process.execPath, show);
    const [, his] = /fence\/\S+ changed by (\S+): .*"version":2/.exec(stdout) ?? [];
    const [, hers] = /hub\.command_rejected \{"by":"([^"]+)".*it was meant for version 1/.exec(stdout) ?? [];
    assert.ok(his !== undefined && hers !== undefined && his !== hers, stdout);
    const both = stdout.split('\n').filter((line) => line.includes('hub.text_conflict'));
    assert.equal(both.length, 1, stdout);
    assert.match(both[0] ?? '', new RegExp(`"by":"${hers}".*"version":1`));
    const settled = stdout.split('\n').filter((line) => line.includes('"version":3'));
    assert.match(settled[0] ?? '', new RegExp(`changed by ${hers}`));
    assert.deepEqual(house.problems, []);
  });
});
