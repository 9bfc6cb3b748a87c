import { Code, ConnectError } from '@connectrpc/connect';
import type { Hub } from '../../live/hub.ts';
import { Observable } from '../../live/observable.ts';
import type { Session } from '../../live/session.ts';

/** From the least to the most; each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'engineer', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** Who sits before the page, in the hub's words. */
export interface Me {
  readonly email: string;
  /** One of `ROLES`; anything else may look and do nothing. */
  readonly role: string;
  /** The name under which the hub issues this person's orders and holds his leases. */
  readonly holder: string;
}

/** Whether a person of role `has` may do what `needed` may. The hub enforces it; the page only does not offer more. */
export function roleReaches(has: string, needed: Role): boolean {
  return ROLES.indexOf(has as Role) >= ROLES.indexOf(needed);
}

const ASK_EVERY_MS = 10_000;

/**
 * Keeps `me` true: asks at the start, every ten seconds, and at once when the hub refused something for the role, so
 * that a role taken away in mid-session shows within seconds.
 */
export class Identity {
  readonly me: Observable<Me>;
  readonly #hub: Hub;
  readonly #onSessionOver: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #asking = false;

  /** `onSessionOver` is called when the hub no longer knows the session. */
  constructor(hub: Hub, session: Session, onSessionOver: () => void) {
    this.#hub = hub;
    this.#onSessionOver = onSessionOver;
    this.me = new Observable<Me>({ email: session.email, role: session.role, holder: session.email });
  }

  start(): () => void {
    void this.ask();
    this.#timer = setInterval(() => void this.ask(), ASK_EVERY_MS);
    const stopHearing = this.#hub.onRefused(() => void this.ask());
    return () => {
      clearInterval(this.#timer);
      stopHearing();
    };
  }

  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const { email, role, holder } = await this.#hub.account.whoAmI({});
      const before = this.me.get();
      if (before.email !== email || before.role !== role || before.holder !== holder)
        this.me.set({ email, role, holder });
    } catch (error) {
      // Out of reach: what was known stays until the hub answers. The stream says that the hub is gone.
      const { code } = ConnectError.from(error);
      if (code === Code.PermissionDenied) this.me.set({ ...this.me.get(), role: '' });
      else if (code === Code.Unauthenticated) this.#onSessionOver();
    } finally {
      this.#asking = false;
    }
  }
}
