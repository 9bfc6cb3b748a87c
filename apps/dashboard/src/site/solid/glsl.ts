/** Pieces of shader that several materials share. Colours are display values throughout: tokens come out as they are. */

/** Where the sun stands over the site: one light, from the south-west and high. */
export const LIGHT = 'const vec3 LIGHT = vec3(-0.38, -0.52, 0.765);';

/**
 * How much of a thing at this depth is behind what stands still: 0 in sight, 1 hidden. The depth of the still picture
 * is a texture, so that moving things need not share a depth buffer with it, and so that a robot behind a shelf can be
 * drawn faintly rather than not at all.
 */
export const HIDDEN = `
uniform sampler2D uStillDepth;
uniform float uHides;
float hiddenAt(vec3 ndc) {
  if (uHides < 0.5) return 0.0;
  float still = textureLod(uStillDepth, ndc.xy * 0.5 + 0.5, 0.0).r;
  return ndc.z * 0.5 + 0.5 > still + 0.00006 ? 1.0 : 0.0;
}`;

/** How strongly a hidden thing still shows. */
export const GHOST = 'const float GHOST = 0.45;';
