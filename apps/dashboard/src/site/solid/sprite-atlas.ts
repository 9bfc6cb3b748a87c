import { CanvasTexture, LinearFilter, LinearMipmapNearestFilter, NoColorSpace, type Texture } from 'three';

/** What the sprites of one texture show. The order is the place in the texture. */
export const SPRITES = [
  'carrier',
  'humanoid',
  'staleCarrier',
  'staleHumanoid',
  'chevron',
  'dock',
  'charger',
  'station',
  'dot',
  'person',
  'ring',
  'hover',
  'octagon',
  'triangle',
  'diamond',
  'handle',
] as const;
export type Sprite = (typeof SPRITES)[number];

/** From this one on signs stand upright on the picture; those before turn with the heading. */
export const UPRIGHT_FROM = SPRITES.indexOf('dot');

export const spriteIndex = (sprite: Sprite): number => SPRITES.indexOf(sprite);

const CELL_PX = 64;
export const ATLAS_COLUMNS = 4;
const ATLAS_ROWS = Math.ceil(SPRITES.length / ATLAS_COLUMNS);
/** A body's radius is this share of its sprite's half side: what stands out of the body still fits. */
export const BODY_SHARE = 0.6;

type Context = CanvasRenderingContext2D;
type Paint = (context: Context, radius: number) => void;

/**
 * One texture with every sign, pointing east. Red says how much of the pixel is the sign's own colour, green how much
 * is its edge; the shader gives both their colours, so that one texture serves both themes and all levels.
 */
export function spriteAtlas(): Texture {
  const canvas = document.createElement('canvas');
  canvas.width = CELL_PX * ATLAS_COLUMNS;
  canvas.height = CELL_PX * ATLAS_ROWS;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no canvas to draw signs on');
  context.fillStyle = '#000';
  context.fillRect(0, 0, canvas.width, canvas.height);
  SPRITES.forEach((sprite, k) => {
    context.save();
    context.translate(((k % ATLAS_COLUMNS) + 0.5) * CELL_PX, (Math.floor(k / ATLAS_COLUMNS) + 0.5) * CELL_PX);
    context.lineJoin = 'round';
    PAINT[sprite](context, (CELL_PX / 2) * BODY_SHARE);
    context.restore();
  });
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = NoColorSpace;
  texture.flipY = false;
  texture.minFilter = LinearMipmapNearestFilter;
  texture.magFilter = LinearFilter;
  texture.generateMipmaps = true;
  return texture;
}

const INK = '#ff0000';
const EDGE = '#00ff00';

function fillWithEdge(context: Context, edgePx: number): void {
  context.strokeStyle = EDGE;
  context.lineWidth = edgePx * 2;
  context.stroke();
  context.fillStyle = INK;
  context.fill();
}

/** Drawn twice, wide as edge and narrow as ink, so that a sign stands out on a floor of any shade. */
function strokeWithEdge(context: Context, widthPx: number): void {
  context.strokeStyle = EDGE;
  context.lineWidth = widthPx + 5;
  context.stroke();
  context.strokeStyle = INK;
  context.lineWidth = widthPx;
  context.stroke();
}

function traceCarrier(context: Context, r: number): void {
  const [long, wide] = [r * 0.95, r * 0.72];
  context.beginPath();
  context.moveTo(-long, -wide);
  context.lineTo(long * 0.7, -wide);
  context.lineTo(long * 1.45, 0);
  context.lineTo(long * 0.7, wide);
  context.lineTo(-long, wide);
  context.closePath();
}

function traceHumanoid(context: Context, r: number): void {
  context.beginPath();
  context.arc(0, 0, r * 0.95, 0.5, 2 * Math.PI - 0.5);
  context.lineTo(r * 1.5, 0);
  context.closePath();
}

function tracePolygon(context: Context, radius: number, sides: number, start: number): void {
  context.beginPath();
  for (let k = 0; k < sides; k++) {
    const angle = start + (k * 2 * Math.PI) / sides;
    context.lineTo(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  context.closePath();
}

const dashed = (trace: Paint): Paint => {
  return (context, r) => {
    trace(context, r * 0.9);
    context.setLineDash([7, 5]);
    context.strokeStyle = INK;
    context.lineWidth = 4;
    context.stroke();
  };
};

const PAINT: Readonly<Record<Sprite, Paint>> = {
  carrier: (context, r) => {
    traceCarrier(context, r);
    fillWithEdge(context, 2.5);
  },
  humanoid: (context, r) => {
    traceHumanoid(context, r);
    fillWithEdge(context, 2.5);
  },
  dot: (context, r) => {
    context.beginPath();
    context.arc(0, 0, r, 0, 2 * Math.PI);
    fillWithEdge(context, 4);
  },
  person: (context, r) => {
    context.beginPath();
    context.ellipse(0, 0, r * 0.85, r * 1.3, 0, 0, 2 * Math.PI);
    strokeWithEdge(context, 4);
    context.beginPath();
    context.arc(0, 0, r * 0.5, 0, 2 * Math.PI);
    context.fillStyle = INK;
    context.fill();
  },
  staleCarrier: dashed(traceCarrier),
  staleHumanoid: dashed(traceHumanoid),
  ring: (context, r) => {
    context.beginPath();
    context.arc(0, 0, r * 1.5, 0, 2 * Math.PI);
    strokeWithEdge(context, 3.5);
  },
  hover: (context, r) => {
    context.beginPath();
    context.arc(0, 0, r * 1.5, 0, 2 * Math.PI);
    context.strokeStyle = INK;
    context.lineWidth = 2;
    context.stroke();
  },
  octagon: (context, r) => {
    tracePolygon(context, r * 1.48, 8, Math.PI / 8);
    strokeWithEdge(context, 4);
  },
  triangle: (context, r) => {
    tracePolygon(context, r * 1.5, 3, -Math.PI / 2);
    strokeWithEdge(context, 4);
  },
  diamond: (context, r) => {
    tracePolygon(context, r * 1.48, 4, 0);
    strokeWithEdge(context, 4);
  },
  chevron: (context, r) => {
    context.beginPath();
    context.moveTo(-r * 0.5, -r);
    context.lineTo(r * 0.5, 0);
    context.lineTo(-r * 0.5, r);
    context.lineCap = 'round';
    context.strokeStyle = INK;
    context.lineWidth = 7;
    context.stroke();
  },
  handle: (context, r) => {
    context.beginPath();
    context.rect(-r * 0.9, -r * 0.9, r * 1.8, r * 1.8);
    context.fillStyle = EDGE;
    context.fill();
    context.strokeStyle = INK;
    context.lineWidth = 9;
    context.stroke();
  },
  dock: (context, r) => paintPlace(context, r),
  charger: (context, r) => {
    paintPlace(context, r);
    context.beginPath();
    context.moveTo(r * 0.16, -r * 0.72);
    context.lineTo(-r * 0.4, r * 0.12);
    context.lineTo(r * 0.32, -r * 0.04);
    context.lineTo(-r * 0.16, r * 0.72);
    context.stroke();
  },
  station: (context, r) => {
    paintPlace(context, r);
    context.beginPath();
    context.moveTo(-r * 0.5, r * 0.5);
    context.lineTo(r * 0.5, r * 0.5);
    context.lineTo(0, -r * 0.5);
    context.fillStyle = INK;
    context.fill();
  },
};

/** An open square: the sign of every place; what is in it says which. */
function paintPlace(context: Context, r: number): void {
  context.strokeStyle = INK;
  context.lineWidth = 4;
  context.strokeRect(-r, -r, r * 2, r * 2);
}
