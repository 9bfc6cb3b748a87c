import pg from 'pg';

/** What this needs of the driver's connection beyond what its types tell. */
type Wire = pg.Connection & { bind(config: unknown): void };

/**
 * Runs a prepared statement whose last value is bytes that lie in several places. The driver would copy them twice on
 * their way to the socket; of these it is told nothing: it binds an empty value, and they are written in its place.
 *
 * @param values all but the last
 * @param parts the last value: bytea, these bytes in a row. Not to be changed before this resolves
 */
export function queryWithBytes(
  client: pg.ClientBase,
  statement: { readonly name: string; readonly text: string },
  values: readonly unknown[],
  parts: readonly Uint8Array[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const config = { ...statement, values: [...values, Buffer.alloc(0)] };
    const query = new pg.Query(config, (error: Error | undefined | null) => (error ? reject(error) : resolve()));
    const submit = query.submit.bind(query);
    query.submit = (connection) => {
      const { bind } = connection as Wire;
      const sendParts = { _send: (message: Buffer) => send(connection.stream, message, parts) };
      const bindParts = (bound: unknown): void => bind.call(sendParts as never, bound);
      return submit(Object.create(connection, { bind: { value: bindParts } }));
    };
    client.query(query);
  });
}

/** @param message `Bind` of PostgreSQL's protocol 3.0: it ends with the length of the last value, none, and one format */
function send(stream: NodeJS.WritableStream, message: Buffer, parts: readonly Uint8Array[]): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const behind = message.length - 4;
  message.writeInt32BE(message.readInt32BE(1) + length, 1);
  message.writeInt32BE(length, behind - 4);
  stream.write(message.subarray(0, behind));
  for (const part of parts) stream.write(part);
  stream.write(message.subarray(behind));
}
