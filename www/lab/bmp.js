/**
 * RGB bytes, row by row, as a picture file. (If the browser falsifies canvases, they do not save what was drawn.)
 *
 * @param {Uint8Array} rgb
 * @param {number} width
 * @param {number} height
 */
export function bmp(rgb, width, height) {
  const stride = Math.ceil((3 * width) / 4) * 4;
  const file = new DataView(new ArrayBuffer(HEADER + stride * height));
  file.setUint16(0, 0x424d); // BM
  file.setUint32(2, file.byteLength, true);
  file.setUint32(10, HEADER, true);
  file.setUint32(14, HEADER - 14, true);
  file.setInt32(18, width, true);
  file.setInt32(22, -height, true); // from the top
  file.setUint16(26, 1, true); // planes
  file.setUint16(28, 24, true); // bits
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < 3 * width; x += 3) {
      const to = HEADER + y * stride + x;
      for (let c = 0; c < 3; c++) file.setUint8(to + c, rgb[3 * y * width + x + 2 - c]); // blue first
    }
  }
  return new Blob([file], { type: "image/bmp" });
}

const HEADER = 54;
