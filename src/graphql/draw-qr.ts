import { encodeQR } from 'qr';

/** As ISO/IEC 18004 asks for, so that a camera finds the code. */
const margin = 4;

/** A QR code as SVG. Its background is white, because a camera needs the contrast on a dark page too. */
export function drawQr(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: margin });
  const size = rows.length;
  const path = rows.map(drawRow).join('');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" role="img" aria-label="QR code" shape-rendering="crispEdges">`,
    `<rect width="${size}" height="${size}" fill="#fff"/><path fill="#000" d="${path}"/></svg>`,
  ].join('');
}

/** Neighbours become one rectangle. */
function drawRow(row: readonly boolean[], y: number): string {
  const bits = row.map((isDark) => (isDark ? '1' : '0')).join('');
  return [...bits.matchAll(/1+/gu)]
    .map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`)
    .join('');
}
