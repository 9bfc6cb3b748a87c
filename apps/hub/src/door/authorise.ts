import type { DescMethod } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { Role, role } from '@sigma/proto';
import type { Clock } from '../clock.ts';
import type { AccountDesk } from '../identity/accounts.ts';
import type { Identity } from '../identity/identity.ts';
import { judge, PRINCIPAL, type Principal } from '../identity/principal.ts';

/** The role that proto demands of callers of a method. */
export const roleOf = (method: DescMethod): Role =>
  method.proto.options === undefined ? Role.UNSPECIFIED : getOption(method, role);

export interface Guard {
  readonly identity: Pick<Identity, 'who'>;
  readonly accounts: Pick<AccountDesk, 'onChange' | 'seen'>;
  readonly clock: Pick<Clock, 'every'>;
}

/** A stream that is open is judged again so often, and at once when the account changes. */
const JUDGE_AGAIN_US = 15_000_000;

/** Lets nobody through whom the method's `role` does not admit, whichever protocol he comes by, and nobody stay longer. */
export function authorise(guard: Guard): Interceptor {
  return (next) => async (request) => {
    const { method, header } = request;
    const name = `${request.service.typeName}/${method.name}`;
    const principal = await guard.identity.who(header);
    refuseForeignPage(header);
    request.contextValues.set(PRINCIPAL, principal);
    const refusal = refusalOf(principal, method, name);
    if (refusal !== null) throw refusal;
    if (principal.kind !== 'person') return next(request);
    guard.accounts.seen(principal.id);
    const response = await next(request);
    if (!response.stream) return response;
    const again = async () => refusalOf(await guard.identity.who(header), method, name);
    return { ...response, message: whileAdmitted(response.message, principal.id, guard, again) };
  };
}

function refusalOf(principal: Principal, method: DescMethod, name: string): ConnectError | null {
  switch (judge(principal, roleOf(method))) {
    case 'allowed':
      return null;
    case 'sign_in':
      return new ConnectError(`sign in first: ${name} is not open`, Code.Unauthenticated);
    case 'not_enough':
      return new ConnectError(`${name} needs the role ${Role[roleOf(method)]?.toLowerCase()}`, Code.PermissionDenied);
    case 'no_rule':
      return new ConnectError(`${name} has no role in its contract and is closed to everybody`, Code.PermissionDenied);
  }
}

/** The messages, until the caller is no longer admitted: then the refusal, without waiting for the next message. */
async function* whileAdmitted<T>(
  messages: AsyncIterable<T>,
  accountId: string,
  { accounts, clock }: Guard,
  again: () => Promise<ConnectError | null>,
): AsyncGenerator<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let refusal: unknown = null;
  let tell: (() => void) | null = null;
  const judgeAgain = (): void => {
    again().then(
      (refused) => {
        refusal ??= refused;
        if (refusal !== null) tell?.();
      },
      () => undefined,
    );
  };
  const endHearing = accounts.onChange((id) => {
    if (id === accountId) judgeAgain();
  });
  const endTimer = clock.every(JUDGE_AGAIN_US, judgeAgain);
  try {
    while (true) {
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        tell = () => reject(refusal);
        if (refusal !== null) tell();
        else iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    endTimer();
    endHearing();
    void iterator.return?.(undefined).catch(() => undefined);
  }
}

/** A page of another origin may not use the cookie of ours (CSRF). Programs send no origin. */
function refuseForeignPage(headers: Headers): void {
  const origin = headers.get('origin');
  if (origin === null || headers.get('cookie') === null) return;
  const host = headers.get('host') ?? headers.get(':authority') ?? '';
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ConnectError(`a page from ${origin.slice(0, 80)} may not act here`, Code.PermissionDenied);
}
