import { hdrWhite } from './transfer.ts';

/** The light of a picture's brightest colour where nothing says it, in cd/m². */
const defaultPeak = 1000;

/**
 * The factor by which to dim a colour for a screen that shows nothing brighter than white, from its largest
 * component, where 1 is the white of the picture: SMPTE ST 2094-50, annex C, which Chromium uses. Half of the
 * screen's light is for what is brighter than white if the picture has 1,000 cd/m²; and more for the rest if
 * it has less.
 *
 * @param peak the light of the brightest colour in cd/m². @default - 1,000
 */
export const toneMapGain = (peak = defaultPeak): ((largest: number) => number) => {
  const brightest = Math.max(peak / hdrWhite, 1);
  if (brightest === 1) return () => 1;
  const white = 1 - 0.5 * Math.min(Math.log(brightest) / Math.log(defaultPeak / hdrWhite), 1);
  // A quadratic Bézier curve from white (x = 1) to the brightest colour, parallel to the line below it.
  const tangent = 0.65;
  const middleX = 1 - tangent + tangent / white;
  const middleY = (1 - tangent) * white + tangent;
  const x2 = 1 - 2 * middleX + brightest;
  const x1 = middleX - 1;
  const y2 = white - 2 * middleY + 1;
  const y1 = middleY - white;
  return (largest) => {
    if (largest <= 1) return white;
    if (largest >= brightest) return 1 / largest;
    // The solution of x2 t² + 2 x1 t = largest - 1 that stays exact if x2 is about 0.
    const distance = largest - 1;
    const t = distance / (x1 + Math.sqrt(x1 ** 2 + x2 * distance));
    return (white + t * (2 * y1 + t * y2)) / largest;
  };
};
