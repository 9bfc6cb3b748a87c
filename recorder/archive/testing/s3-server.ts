import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';

/** The access key that s3rver knows. */
export const S3RVER_KEY = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** A server that speaks S3 and knows its access keys (but passes over false signatures): npm `s3rver`, on a free port of this machine. */
export async function startS3Server(bucket: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'sigma-s3-'));
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = (await server.run()) as { readonly port: number };
  const { httpServer } = server as unknown as { readonly httpServer: Server };
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      // Clients keep connections open for the next request; nobody waits for them to let go.
      httpServer.closeAllConnections();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
