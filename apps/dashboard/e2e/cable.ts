import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line from a port of its own to another, that can be cut and mended. */
export interface Cable {
  readonly url: string;
  /** Ends what goes over it, and lets nothing through. */
  readonly cut: () => void;
  readonly mend: () => void;
  readonly remove: () => Promise<void>;
}

/** @param to the port at its far end */
export async function layCable(to: number): Promise<Cable> {
  const ends = new Set<Socket>();
  let whole = true;
  const join = (end: Socket, other: Socket): void => {
    ends.add(end);
    end.on('error', () => undefined);
    end.on('close', () => {
      ends.delete(end);
      other.destroy();
    });
    end.pipe(other);
  };
  const server = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect(to, '127.0.0.1');
    join(near, far);
    join(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    whole = false;
    for (const end of ends) end.destroy();
  };
  const mend = (): void => {
    whole = true;
  };
  const remove = async (): Promise<void> => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut, mend, remove };
}
