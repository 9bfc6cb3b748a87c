import type { DescMethod } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { Role, role } from '@sigma/proto';
import type { Identity } from '../identity/identity.ts';
import { judge, PRINCIPAL } from '../identity/principal.ts';

/** The role that proto demands of callers of a method. */
export const roleOf = (method: DescMethod): Role =>
  method.proto.options === undefined ? Role.UNSPECIFIED : getOption(method, role);

/** Lets nobody through whom the method's `role` does not admit, whichever protocol he comes by. */
export function authorise(identity: Pick<Identity, 'who'>): Interceptor {
  return (next) => async (request) => {
    const principal = await identity.who(request.header);
    refuseForeignPage(request.header);
    const name = `${request.service.typeName}/${request.method.name}`;
    switch (judge(principal, roleOf(request.method))) {
      case 'allowed':
        request.contextValues.set(PRINCIPAL, principal);
        return next(request);
      case 'sign_in':
        throw new ConnectError(`sign in first: ${name} is not open`, Code.Unauthenticated);
      case 'not_enough':
        throw new ConnectError(
          `${name} needs the role ${Role[roleOf(request.method)]?.toLowerCase()}`,
          Code.PermissionDenied,
        );
      case 'no_rule':
        throw new ConnectError(`${name} has no role in its contract and is closed to everybody`, Code.PermissionDenied);
    }
  };
}

/** A page of another origin may not use the cookie of ours (CSRF). Programs send no origin. */
function refuseForeignPage(headers: Headers): void {
  const origin = headers.get('origin');
  if (origin === null || headers.get('cookie') === null) return;
  const host = headers.get('host') ?? headers.get(':authority') ?? '';
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ConnectError(`a page from ${origin.slice(0, 80)} may not act here`, Code.PermissionDenied);
}
