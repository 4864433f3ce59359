// Picture files with an EXIF orientation added.

import { crc32 } from "node:zlib";

/** An EXIF block with just the orientation. @param {number} orientation @param {boolean} [little] its byte order */
export function exif(orientation, little = true) {
  const block = Buffer.alloc(26);
  const two = (/** @type {number} */ value, /** @type {number} */ at) =>
    little ? block.writeUInt16LE(value, at) : block.writeUInt16BE(value, at);
  const four = (/** @type {number} */ value, /** @type {number} */ at) =>
    little ? block.writeUInt32LE(value, at) : block.writeUInt32BE(value, at);
  block.write(little ? "II" : "MM");
  two(42, 2);
  four(8, 4); // offset of the directory
  two(1, 8); // of one entry
  two(0x0112, 10);
  two(3, 12);
  four(1, 14);
  two(orientation, 18);
  return block;
}

/** A chunk of a PNG. @param {string} type @param {Buffer} data */
export function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const made = Buffer.alloc(data.length + 12);
  made.writeUInt32BE(data.length);
  body.copy(made, 4);
  made.writeUInt32BE(crc32(body), data.length + 8);
  return made;
}

/** A chunk of a RIFF file. @param {string} type @param {Buffer} data */
function riff(type, data) {
  const head = Buffer.alloc(8);
  head.write(type, "latin1");
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

/** @type {Record<string, (file: Buffer, block: Buffer, size: {width: number, height: number}) => Buffer>} */
export const turned = {
  JPEG(file, block) {
    const data = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), block]);
    const head = Buffer.from([0xff, 0xe1, 0, data.length + 2]);
    return Buffer.concat([file.subarray(0, 2), head, data, file.subarray(2)]);
  },

  PNG(file, block) {
    const header = 8 + 25;
    return Buffer.concat([file.subarray(0, header), chunk("eXIf", block), file.subarray(header)]);
  },

  WebP(file, block, { width, height }) {
    const known = file.toString("latin1", 12, 16) === "VP8X";
    const about = known ? Buffer.from(file.subarray(20, 30)) : Buffer.alloc(10);
    about[0] |= 8; // EXIF present
    about.writeUIntLE(width - 1, 4, 3);
    about.writeUIntLE(height - 1, 7, 3);
    const form = Buffer.from("WEBP", "latin1");
    return riff(
      "RIFF",
      Buffer.concat([form, riff("VP8X", about), file.subarray(known ? 30 : 12), riff("EXIF", block)]),
    );
  },
};
