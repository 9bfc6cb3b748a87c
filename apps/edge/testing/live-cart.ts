import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edge, EdgeOptions } from '../src/edge-words.ts';
import { startEdge } from '../src/main.ts';
import type { TestHub } from './test-hub.ts';

/** A live edge with one simulated cart, in a folder of its own. */
export class LiveCart {
  readonly folder = mkdtempSync(join(tmpdir(), 'sigma-edge-'));
  readonly recordingPath = join(this.folder, 'cart.sigma');
  readonly logPath = join(this.folder, 'bodies.log');

  start(hub: TestHub | null, overrides: Partial<EdgeOptions> = {}): Promise<Edge> {
    return startEdge({
      tenant: 'acme',
      edgeId: 'edge-1',
      recordingPath: this.recordingPath,
      hub: hub === null ? null : { url: hub.url, joinToken: 'secret', backoff: { firstMs: 20, mostMs: 200 } },
      terrain: { module: new URL('./cart-terrain.ts', import.meta.url).href, settings: null },
      driver: {
        module: new URL('../src/drivers/sim/sim-driver.ts', import.meta.url).href,
        settings: { module: new URL('./cart-bodies.ts', import.meta.url).href, bodies: { logPath: this.logPath } },
      },
      simulated: true,
      bodies: [{ id: 'cart-1', role: 'carrier', seed: 7, config: null, body: 'cart' }],
      software: 'test',
      ...overrides,
    });
  }

  /** What the bodies were made to do so far: `[agent, agent time, command]`. */
  log(): (readonly [string, number, string])[] {
    const lines = readFileSync(this.logPath, 'utf8').trim().split('\n');
    return lines.map((line) => line.split(' ')).map(([id = '', at = '', name = '']) => [id, Number(at), name] as const);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
