import { agentKey, drawInt, drawUnit, purpose } from '@sigma/kernel';

const LATENCY = purpose('sim-network-latency');
const LOSS = purpose('sim-network-loss');

/** One-way delay, inclusive, microseconds. */
const LEAST_LATENCY_US = 2_000;
const MOST_LATENCY_US = 20_000;
/** What a lost packet costs a reliable stream until it has been sent again (RFC 6298: 200 ms is the usual least). */
const RETRANSMISSION_US = 200_000;

interface Delivery<Packet> {
  readonly link: string;
  readonly dueUs: number;
  readonly order: number;
  readonly packet: Packet;
}

interface Link {
  readonly key: number;
  sent: number;
  /** When the last packet arrives: a stream keeps its order. */
  lastDueUs: number;
  cut: boolean;
}

/**
 * Streams between edges and hub on the virtual clock: reliable and in order, as gRPC over TCP is. A lost packet comes
 * late and holds up those behind it; a link that is cut loses what is under way and everything sent meanwhile, as a
 * connection that broke does.
 */
export class VirtualNetwork<Packet> {
  readonly #seed: number;
  readonly #lossShare: number;
  readonly #links = new Map<string, Link>();
  #waiting: Delivery<Packet>[] = [];
  #order = 0;
  /** Nothing arrives before this moment. */
  #nextDueUs = Number.POSITIVE_INFINITY;

  /** @param lossShare 0 to 1: how many packets have to be sent twice */
  constructor(seed: number, lossShare = 0) {
    this.#seed = seed;
    this.#lossShare = lossShare;
  }

  send(link: string, packet: Packet, atUs: number): void {
    const line = this.#link(link);
    if (line.cut) return;
    const latencyUs =
      LEAST_LATENCY_US + drawInt(this.#seed, line.key, line.sent, LATENCY, 0, MOST_LATENCY_US - LEAST_LATENCY_US + 1);
    const lost = this.#lossShare > 0 && drawUnit(this.#seed, line.key, line.sent, LOSS, 0) < this.#lossShare;
    line.sent++;
    line.lastDueUs = Math.max(line.lastDueUs, atUs + latencyUs + (lost ? RETRANSMISSION_US : 0));
    this.#nextDueUs = Math.min(this.#nextDueUs, line.lastDueUs);
    this.#waiting.push({ link, dueUs: line.lastDueUs, order: this.#order++, packet });
  }

  isCut(link: string): boolean {
    return this.#links.get(link)?.cut ?? false;
  }

  cut(link: string, cut: boolean): void {
    this.#link(link).cut = cut;
    if (cut) this.#waiting = this.#waiting.filter((delivery) => delivery.link !== link);
  }

  /** Takes out what has arrived by `atUs`, inclusive: by arrival, then in the order of sending. */
  arrived(atUs: number): readonly Delivery<Packet>[] {
    if (atUs < this.#nextDueUs) return [];
    this.#nextDueUs = Number.POSITIVE_INFINITY;
    const due: Delivery<Packet>[] = [];
    const left: Delivery<Packet>[] = [];
    for (const delivery of this.#waiting) {
      if (delivery.dueUs <= atUs) due.push(delivery);
      else {
        left.push(delivery);
        this.#nextDueUs = Math.min(this.#nextDueUs, delivery.dueUs);
      }
    }
    if (due.length === 0) return due;
    this.#waiting = left;
    return due.sort((a, b) => a.dueUs - b.dueUs || a.order - b.order);
  }

  #link(name: string): Link {
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const link: Link = { key: agentKey(name), sent: 0, lastDueUs: 0, cut: false };
    this.#links.set(name, link);
    return link;
  }
}
