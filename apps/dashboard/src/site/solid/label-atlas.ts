import {
  Box2,
  CanvasTexture,
  DataTexture,
  LinearFilter,
  NoColorSpace,
  RGBAFormat,
  UnsignedByteType,
  Vector2,
  type WebGLRenderer,
} from 'three';

/** What a word's halo reaches beyond its ink, pixels of the page. */
export const HALO_PX = 2;
/** What a line is higher than its type. */
const LEADING_PX = 4;

/** Where a text stands in the texture, in its pixels; `widthPx` in pixels of the page. */
export interface Slot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly widthPx: number;
}

/**
 * Words as pictures: a text is drawn once, with its halo, and copied from then on. The browser sets it, so that every
 * script and direction comes out right. Red is ink, green ink or halo.
 */
export class LabelAtlas {
  readonly texture: DataTexture;
  readonly side: number;
  readonly ratio: number;
  /** Size of the type and height of a line with its halo, pixels of the page. */
  readonly textPx: number;
  readonly heightPx: number;
  readonly #renderer: WebGLRenderer;
  readonly #stage: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #staged: CanvasTexture;
  readonly #slots = new Map<string, Slot>();
  readonly #font: string;
  readonly #rowHeight: number;
  #left = 0;
  #top = 0;
  #widths = new Map<string, number>();

  constructor(renderer: WebGLRenderer, ratio: number, font: string, textPx: number) {
    this.#renderer = renderer;
    this.ratio = ratio;
    this.textPx = textPx;
    this.heightPx = textPx + LEADING_PX;
    this.side = ratio > 1.25 ? 2048 : 1024;
    this.#rowHeight = Math.ceil(this.heightPx * ratio);
    this.#font = `500 ${textPx}px ${font}`;
    this.texture = new DataTexture(
      new Uint8Array(this.side * this.side * 4),
      this.side,
      this.side,
      RGBAFormat,
      UnsignedByteType,
    );
    this.texture.colorSpace = NoColorSpace;
    this.texture.minFilter = LinearFilter;
    this.texture.magFilter = LinearFilter;
    this.texture.needsUpdate = true;
    this.#stage = document.createElement('canvas');
    this.#stage.width = 512;
    this.#stage.height = this.#rowHeight;
    const context = this.#stage.getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('this browser gives no canvas to draw words on');
    this.#context = context;
    this.#staged = new CanvasTexture(this.#stage);
    this.#staged.flipY = false;
    this.#staged.colorSpace = NoColorSpace;
    this.#staged.generateMipmaps = false;
    this.#staged.minFilter = LinearFilter;
  }

  widthOf = (text: string): number => {
    const known = this.#widths.get(text);
    if (known !== undefined) return known;
    if (this.#widths.size > 20_000) this.#widths.clear();
    this.#context.font = this.#font;
    const width = this.#context.measureText(text).width;
    this.#widths.set(text, width);
    return width;
  };

  /** Null when the texture is full: the caller forgets all and asks again for what it shows now. */
  slot(text: string): Slot | null {
    const known = this.#slots.get(text);
    if (known !== undefined) return known;
    const widthPx = Math.min(this.widthOf(text), 512 / this.ratio - 2 * HALO_PX);
    const width = Math.ceil((widthPx + 2 * HALO_PX) * this.ratio);
    if (this.#left + width > this.side) {
      this.#left = 0;
      this.#top += this.#rowHeight;
    }
    if (this.#top + this.#rowHeight > this.side) return null;
    const made = { left: this.#left, top: this.#top, width, widthPx: width / this.ratio };
    this.#draw(text, made);
    this.#left += width;
    this.#slots.set(text, made);
    return made;
  }

  forget(): void {
    this.#slots.clear();
    this.#left = 0;
    this.#top = 0;
  }

  #draw(text: string, slot: Slot): void {
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, slot.width, this.#rowHeight);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.font = this.#font;
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    context.lineWidth = 2 * HALO_PX;
    context.strokeStyle = '#00ff00';
    const middle = this.heightPx / 2 + 0.5;
    context.strokeText(text, HALO_PX, middle);
    context.fillStyle = '#ffff00';
    context.fillText(text, HALO_PX, middle);
    this.#staged.needsUpdate = true;
    const region = new Box2(new Vector2(0, 0), new Vector2(slot.width, this.#rowHeight));
    this.#renderer.copyTextureToTexture(this.#staged, this.texture, region, new Vector2(slot.left, slot.top));
  }

  dispose(): void {
    this.texture.dispose();
    this.#staged.dispose();
  }
}
