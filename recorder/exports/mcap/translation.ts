import {
  decodeSegment,
  decodeSnapshot,
  EVENT_TYPE,
  MalformedBytesError,
  type Opening,
  type RecordedEvent,
  WireWriter,
} from '../../src/index.ts';
import type { TimeSpan } from '../run.ts';
import type { McapChannel, McapChannels } from './channels.ts';
import { bodyScene, othersScene } from './foxglove/floor.ts';
import { writeLog, writeNumbers, writePose, writeScan, writeTransform } from './foxglove/messages.ts';
import { ImportedTopics } from './imported-topics.ts';
import { logLine } from './log-line.ts';
import type { ChainScene, SeenOther, Shown } from './scene.ts';

/** The frame that all positions are given in. */
export const SITE_FRAME = 'site';

/** A message on its way into the file. */
export interface TimedMessage {
  /** Wall clock by the chain's opening, microseconds since 1970. */
  readonly timeUs: number;
  readonly channel: McapChannel;
  readonly data: Uint8Array;
}

/** Inputs that have no picture, by what they are. */
export type Unshown = Map<string, number>;

/** Says of one event after another of a chain what stands of it in an MCAP file. */
export class ChainTranslation {
  readonly #opening: Opening;
  readonly #scene: ChainScene | null;
  readonly #channels: McapChannels;
  readonly #span: TimeSpan;
  readonly #unshown: Unshown;
  /** Messages side by side: room of its own for each would keep the garbage collector busier than all the rest. */
  #wire = new WireWriter(ROOM_BYTES + ROOM_BYTES / 4);
  /** Where in it the message that is being written begins. */
  #begun = 0;
  readonly #log: McapChannel;
  /** Named when first needed: topics of an imported file may have the same names. */
  #transform: McapChannel | null = null;
  #pose: McapChannel | null = null;
  #scan: McapChannel | null = null;
  #seen: McapChannel | null = null;
  /** Null for a chain that was written here. */
  readonly #imported: ImportedTopics | null;
  readonly #payloads = new Map<string, McapChannel | null>();
  readonly #numbers = new Map<string, McapChannel>();
  /** Wall clock minus agent time. */
  readonly #wallUs: number;
  #others: readonly SeenOther[] = [];
  #poseUs = Number.NEGATIVE_INFINITY;
  /** Sequence of the next event when none is left out. */
  #next = 1;
  /** Whether what is run again stands where the record does. */
  #inStep = true;
  #woken = false;

  constructor(opening: Opening, scene: ChainScene | null, channels: McapChannels, span: TimeSpan, unshown: Unshown) {
    const { source } = opening;
    this.#opening = opening;
    this.#scene = scene;
    this.#channels = channels;
    this.#span = span;
    this.#unshown = unshown;
    this.#wallUs = opening.timeUs - opening.atUs;
    this.#log = channels.foxglove(`/${source}/log`, 'Log');
    this.#imported = opening.role === 'imported' ? new ImportedTopics(channels) : null;
  }

  /** The agent's body, at a moment of the wall clock. */
  body(timeUs: number): readonly TimedMessage[] {
    const body = this.#scene?.body ?? null;
    if (body === null) return [];
    const { source } = this.#opening;
    const channel = this.#channels.foxglove(`/${source}/body`, 'SceneUpdate');
    return [{ timeUs, channel, data: bodyScene(source, body, timeUs) }];
  }

  /**
   * What stands of these events in the file, in order of time.
   *
   * @param onBad is told of a payload that is not what its type says; its event is left out
   */
  messagesOf(
    events: readonly RecordedEvent[],
    onBad: (event: RecordedEvent, why: string) => void,
  ): readonly TimedMessage[] {
    const into: TimedMessage[] = [];
    for (const event of events) {
      // What was left out leaves the state unknown, until a snapshot tells it.
      if (event.sequence !== this.#next) this.#inStep = false;
      this.#next = event.sequence + 1;
      try {
        if (event.type === EVENT_TYPE.stimulusSegment) this.#segment(event, into);
        else if (event.type === EVENT_TYPE.snapshot) this.#restore(event);
        else this.#event(event, into);
      } catch (error) {
        if (!(error instanceof MalformedBytesError)) throw error;
        onBad(event, error.message);
      }
    }
    return inOrder(into);
  }

  #event(event: RecordedEvent, into: TimedMessage[]): void {
    const { type, atUs, data } = event;
    const { fromUs, toUs } = this.#span;
    if (this.#imported?.learns(event) === true) return;
    if (atUs < fromUs || atUs > toUs) return;
    const timeUs = atUs + this.#wallUs;
    const own = this.#imported?.of(event);
    if (own !== undefined) {
      into.push({ timeUs, channel: own, data });
      return;
    }
    const channel = this.#payloadChannel(type);
    if (channel !== null) into.push({ timeUs, channel, data });
    else this.#leaveOut(`events of type ${type}`);
    const line = logLine(event);
    if (line === null) return;
    writeLog(this.#message(), timeUs, line.level, line.text, this.#opening.source);
    into.push({ timeUs, channel: this.#log, data: this.#written() });
  }

  #restore(event: RecordedEvent): void {
    const again = this.#scene?.again;
    if (again !== undefined && !(this.#inStep && this.#woken))
      this.#inStep = again.restore(decodeSnapshot(event).state);
  }

  #payloadChannel(type: string): McapChannel | null {
    let channel = this.#payloads.get(type);
    if (channel === undefined) {
      const topic = `/${this.#opening.source}/${type.split('.')[1] ?? type}`;
      channel = this.#channels.payload(topic, type);
      this.#payloads.set(type, channel);
    }
    return channel;
  }

  #segment({ data }: RecordedEvent, into: TimedMessage[]): void {
    const { fromUs, toUs } = this.#span;
    const scene = this.#scene;
    for (const { atUs, inbox } of decodeSegment(data).wakes) {
      if (atUs > toUs) return;
      const belief = this.#inStep ? scene?.again?.wake(atUs, inbox) : undefined;
      this.#woken = true;
      if (atUs < fromUs) continue;
      const timeUs = atUs + this.#wallUs;
      const place = belief?.place ?? null;
      if (place !== null && timeUs - this.#poseUs >= POSE_EVERY_US) {
        this.#poseUs = timeUs;
        this.#put(place, timeUs, into);
      }
      if (belief !== undefined && belief.others !== this.#others) {
        this.#others = belief.others;
        const { source } = this.#opening;
        this.#seen ??= this.#channels.foxglove(`/${source}/seen`, 'SceneUpdate');
        into.push({ timeUs, channel: this.#seen, data: othersScene(belief.others, SITE_FRAME, source, timeUs) });
      }
      for (const stimulus of inbox) {
        const shown = scene?.shown(stimulus) ?? null;
        if (shown !== null) this.#show(shown, timeUs, place === null, into);
        else this.#leaveOut(`inputs ${'channel' in stimulus ? `of channel ${stimulus.channel}` : stimulus.kind}`);
      }
    }
  }

  #show(shown: Shown, timeUs: number, placed: boolean, into: TimedMessage[]): void {
    if (shown.kind === 'pose') {
      // Where the agent is run again its own belief places it; what was measured follows from the recording itself.
      if (placed) this.#put(shown, timeUs, into);
      return;
    }
    const wire = this.#message();
    if (shown.kind === 'scan') {
      const { source } = this.#opening;
      this.#scan ??= this.#channels.foxglove(`/${source}/scan`, 'LaserScan');
      writeScan(wire, timeUs, source, shown.startRad, shown.endRad, shown.rangesM);
      into.push({ timeUs, channel: this.#scan, data: this.#written() });
      return;
    }
    writeNumbers(wire, shown.values);
    into.push({ timeUs, channel: this.#numbersChannel(shown.channel), data: this.#written() });
  }

  #numbersChannel(name: string): McapChannel {
    let channel = this.#numbers.get(name);
    if (channel === undefined) {
      const { source, model } = this.#opening;
      channel = this.#channels.numbers(`/${source}/${name}`, model, name, this.#scene?.channels[name] ?? []);
      this.#numbers.set(name, channel);
    }
    return channel;
  }

  #put(place: { xM: number; yM: number; headingRad: number }, timeUs: number, into: TimedMessage[]): void {
    const { source } = this.#opening;
    const { xM, yM, headingRad } = place;
    this.#transform ??= this.#channels.foxglove('/tf', 'FrameTransform');
    this.#pose ??= this.#channels.foxglove(`/${source}/pose`, 'PoseInFrame');
    writeTransform(this.#message(), timeUs, SITE_FRAME, source, xM, yM, headingRad);
    into.push({ timeUs, channel: this.#transform, data: this.#written() });
    writePose(this.#message(), timeUs, SITE_FRAME, xM, yM, headingRad);
    into.push({ timeUs, channel: this.#pose, data: this.#written() });
  }

  /** Begins a message. */
  #message(): WireWriter {
    if (this.#wire.length > ROOM_BYTES) this.#wire = new WireWriter(ROOM_BYTES + ROOM_BYTES / 4);
    this.#begun = this.#wire.length;
    return this.#wire;
  }

  /** The message that was begun. What is written behind it leaves it as it is. */
  #written(): Uint8Array {
    return this.#wire.view(this.#begun);
  }

  #leaveOut(what: string): void {
    this.#unshown.set(what, (this.#unshown.get(what) ?? 0) + 1);
  }
}

/** As many bytes of messages stand in one place before there is another. */
const ROOM_BYTES = 65_536;

/** Believed places are written at 20 Hz: twice as often as a scan shows anything new. */
const POSE_EVERY_US = 50_000;

/** By time; what happened at one moment stays in the order of the record. */
function inOrder(messages: TimedMessage[]): readonly TimedMessage[] {
  for (let i = 1; i < messages.length; i++) {
    if ((messages[i] as TimedMessage).timeUs < (messages[i - 1] as TimedMessage).timeUs) {
      return messages.sort((a, b) => a.timeUs - b.timeUs);
    }
  }
  return messages;
}
