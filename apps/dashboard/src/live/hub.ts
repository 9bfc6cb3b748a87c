import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import {
  AccountService,
  AlertService,
  FleetService,
  ForkService,
  MissionService,
  RecordService,
  SimulationService,
  SiteService,
} from '@sigma/proto';

/** Every service of the hub that the page talks to, on the page's own origin; the session's cookie goes along. */
export function connectHub(baseUrl: string) {
  const heardRefusal = new Set<() => void>();
  const hearRefusals: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      const refused = ConnectError.from(error).code === Code.PermissionDenied;
      if (refused && request.method.name !== 'WhoAmI') for (const listener of [...heardRefusal]) listener();
      throw error;
    }
  };
  const transport = createGrpcWebTransport({
    baseUrl,
    useBinaryFormat: true,
    interceptors: [hearRefusals],
    fetch: (input, init) => fetch(input, { ...init, credentials: 'same-origin' }),
  });
  return {
    account: createClient(AccountService, transport),
    site: createClient(SiteService, transport),
    fleet: createClient(FleetService, transport),
    missions: createClient(MissionService, transport),
    alerts: createClient(AlertService, transport),
    simulation: createClient(SimulationService, transport),
    record: createClient(RecordService, transport),
    forks: createClient(ForkService, transport),
    /** A service that a page brings itself, which the first picture can do without. */
    of: <Service extends DescService>(service: Service): Client<Service> => createClient(service, transport),
    /** Calls the listener whenever the hub refuses something to this person's role. Returns how to stop. */
    onRefused(listener: () => void): () => void {
      heardRefusal.add(listener);
      return () => heardRefusal.delete(listener);
    },
  };
}

export type Hub = ReturnType<typeof connectHub>;

export const isSignedOut = (error: unknown): boolean => ConnectError.from(error).code === Code.Unauthenticated;

export const isForbidden = (error: unknown): boolean => ConnectError.from(error).code === Code.PermissionDenied;

/** Why a call failed, in a few words. */
export function shortReason(error: unknown): string {
  return isOutOfReach(error) ? 'the hub does not answer' : ConnectError.from(error).rawMessage || 'no reason given';
}

function isOutOfReach(error: unknown): boolean {
  const { code, rawMessage } = ConnectError.from(error);
  return code === Code.Unavailable || /fetch|network/i.test(rawMessage);
}

/** "administrators only" → "Administrators only.": what the hub says stands among other sentences. */
const sentence = (text: string): string =>
  text === '' ? '' : `${text[0]?.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** What went wrong, what is safe and what to do, in one line for a person. */
export function explain(error: unknown): string {
  const { code, rawMessage } = ConnectError.from(error);
  if (code === Code.PermissionDenied) return `Not allowed for your role. ${sentence(rawMessage)}`.trim();
  if (code === Code.Unauthenticated) return 'The session is over. Sign in again; robots keep doing what they do.';
  if (isOutOfReach(error)) {
    return 'The hub does not answer. Robots keep themselves safe; try again, or use a stop button on the robot.';
  }
  return rawMessage || 'The hub gave no reason.';
}
