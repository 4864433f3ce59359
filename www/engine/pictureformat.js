/**
 * Facts about a picture file before it is decoded: its format, size and EXIF orientation. Browsers differ in the
 * formats that they turn upright (Chromium does not turn WebP, others not PNG). So the orientation is removed from the
 * file, and the code that reads the pixels turns them.
 *
 * @typedef {object} Told
 * @property {string} format its name; "" if unknown
 * @property {number} width as stored; 0 if unknown
 * @property {number} height
 * @property {number} orientation EXIF's, 1 – 8
 * @property {"" | "cut" | "endless"} lack "cut": a part is missing, which not every browser reports; "endless": a JPEG
 *   that does not end with its end marker
 * @property {Blob} file the same picture with orientation 1
 */

/**
 * Formats that browsers decode, and their types: some browsers rely on the type, not on the bytes.
 *
 * @type {Record<string, string>}
 */
const TYPES = {
  JPEG: "image/jpeg",
  PNG: "image/png",
  WebP: "image/webp",
  GIF: "image/gif",
  BMP: "image/bmp",
  AVIF: "image/avif",
};

/** The file with its type set. @param {Blob} file @param {string} format */
export const typed = (file, format) => file.slice(0, file.size, TYPES[format] ?? file.type);

/**
 * Whether all browsers decode a format, so that a file of it that does not decode must be damaged.
 *
 * @param {string} format
 */
export const isCommon = (format) => format in TYPES;

/** How files begin, as Latin-1. @type {[RegExp, string][]} */
const BEGINNINGS = [
  [/^\xff\xd8\xff/, "JPEG"],
  [/^\x89PNG\r\n\x1a\n/, "PNG"],
  [/^RIFF....WEBP/s, "WebP"],
  [/^GIF8[79]a/, "GIF"],
  [/^BM....\0\0\0\0/s, "BMP"],
  [/^....ftyp(avi[fs]|(mif1|msf1).*avi[fs])/s, "AVIF"],
  [/^....ftyp(hei|hev|mif1|msf1)/s, "HEIC"],
  [/^....ftypcrx |^(II\*\0|MM\0\*)....CR|^IIR[OS]|^IIU\0|^FUJIFILMCCD-RAW|^FOVb|^\0MRM/s, "RAW"],
  [/^II[*+]\0|^MM\0[*+]/, "TIFF"],
  [/^8BP[SB]/, "PSD"],
  [/^\xff\x0a|^\0\0\0\x0cJXL /, "JPEG XL"],
  [/^\0\0\0\x0cjP  |^\xff\x4f\xff\x51/, "JPEG 2000"],
  [/^%PDF/, "PDF"],
  [/^(\xef\xbb\xbf)?\s*(<\?xml.*)?(<!--.*-->\s*)*(<!DOCTYPE svg.*)?<svg/is, "SVG"],
];

/** Bytes read at once: the next request usually lies close by. */
const WINDOW = 1 << 18;
/**
 * Bytes within which an AVIF gives its size. More arguments than these would be too many for a call in some browser
 * ({@link text}).
 */
const AVIF_HEAD = 1 << 14;

/** Random access to a file. */
class Reader {
  #start = 0;
  #bytes = new Uint8Array();

  /** @param {Blob} file */
  constructor(file) {
    this.file = file;
  }

  /** `length` bytes from `at` on, fewer at the file's end. @param {number} at @param {number} length */
  async view(at, length) {
    if (at < this.#start || at + length > this.#start + this.#bytes.length) {
      const window = this.file.slice(at, at + Math.max(length, WINDOW));
      this.#bytes = new Uint8Array(await window.arrayBuffer());
      this.#start = at;
    }
    const bytes = this.#bytes.subarray(at - this.#start, at - this.#start + length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

/** @param {DataView} view @param {number} [at] @param {number} [length] */
const text = (view, at = 0, length = view.byteLength - at) =>
  String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));

/**
 * @param {Blob} file
 * @returns {Promise<Told>}
 */
export async function lookInto(file) {
  const reader = new Reader(file);
  const beginning = text(await reader.view(0, 512));
  const format = BEGINNINGS.find(([pattern]) => pattern.test(beginning))?.[1] ?? "";
  /** @type {Found} */
  const found = { size: [0, 0], orientation: 1, lack: "", edits: [] };
  try {
    await walks[format]?.(reader, found);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it is truncated, or not what it seems
    if (format === "PNG") found.lack = "cut"; // for other formats the decoder reports it
  }
  const { size, edits, orientation, lack } = found;
  return { format, width: size[0], height: size[1], orientation, lack, file: edited(file, edits, TYPES[format]) };
}

/**
 * @typedef {{at: number, length: number, bytes: number[]}} Edit replacement of `length` bytes
 * @typedef {{size: number[], orientation: number, lack: Told["lack"], edits: Edit[]}} Found
 */

/** @param {Blob} file @param {Edit[]} edits in the file's order @param {string} [type] */
function edited(file, edits, type = file.type) {
  /** @type {BlobPart[]} */
  const parts = [];
  let from = 0;
  for (const { at, length, bytes } of edits) {
    parts.push(file.slice(from, at), Uint8Array.from(bytes));
    from = at + length;
  }
  return new Blob([...parts, file.slice(from)], { type });
}

/**
 * Walks through a format's parts until they end (a RangeError).
 *
 * @type {Record<string, (reader: Reader, found: Found) => Promise<void>>}
 */
const walks = {
  async JPEG(reader, found) {
    const end = await reader.view(reader.file.size - 2, 2);
    if (end.getUint16(0) !== 0xffd9) found.lack = "endless";
    for (let at = 2; ;) {
      const head = await reader.view(at, 10);
      const marker = head.getUint8(1);
      if (head.getUint8(0) !== 0xff || marker === 0xda || marker === 0xd9) return; // the pixels, or the end
      if (marker === 0xff) at += 1;
      else if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
      else {
        const length = head.getUint16(2);
        const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
        if (isFrame) found.size = [head.getUint16(7), head.getUint16(5)];
        if (marker === 0xe1 && text(head, 4) === "Exif\0\0") await turn(reader, at + 10, length - 8, found);
        at += 2 + length;
      }
    }
  },

  async PNG(reader, found) {
    for (let at = 8; ;) {
      const head = await reader.view(at, 16);
      const length = head.getUint32(0);
      const type = text(head, 4, 4);
      if (type === "IHDR") found.size = [head.getUint32(8), (await reader.view(at + 12, 4)).getUint32(0)];
      if (type === "IEND") return;
      // the whole chunk is removed, since its checksum would be wrong
      if (type === "eXIf" && (await turn(reader, at + 8, length, found))) {
        found.edits = [...found.edits.slice(0, -1), { at, length: length + 12, bytes: [] }];
      }
      at += 12 + length;
    }
  },

  async WebP(reader, found) {
    const length = (await reader.view(4, 4)).getUint32(0, true);
    if (reader.file.size < 8 + length - (length % 2)) found.lack = "cut"; // some files omit the last padding byte
    for (let at = 12; ;) {
      const head = await reader.view(at, 18);
      const length = head.getUint32(4, true);
      const type = text(head, 0, 4);
      const low = (/** @type {number} */ from) => head.getUint16(from, true);
      if (type === "VP8X") {
        found.size = [low(12) + (head.getUint8(14) << 16) + 1, low(15) + (head.getUint8(17) << 16) + 1];
      } else if (type === "VP8 " && !found.size[0]) found.size = [low(14) & 0x3fff, low(16) & 0x3fff];
      else if (type === "VP8L" && !found.size[0]) {
        const bits = head.getUint32(9, true);
        found.size = [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
      } else if (type === "EXIF") {
        const prefix = text(head, 8, 6) === "Exif\0\0" ? 6 : 0;
        await turn(reader, at + 8 + prefix, length - prefix, found);
      }
      at += 8 + length + (length % 2);
    }
  },

  async GIF(reader, found) {
    const head = await reader.view(6, 4);
    found.size = [head.getUint16(0, true), head.getUint16(2, true)];
  },

  async BMP(reader, found) {
    const head = await reader.view(14, 12);
    const old = head.getUint32(0, true) === 12;
    found.size = old
      ? [head.getUint16(4, true), head.getUint16(6, true)]
      : [head.getInt32(4, true), Math.abs(head.getInt32(8, true))];
  },

  /** The largest item: tiles and a thumbnail may be items as well. Browsers turn it by its own properties. */
  async AVIF(reader, found) {
    const head = await reader.view(0, AVIF_HEAD);
    for (const { index } of text(head).matchAll(/ispe/g)) {
      const size = [head.getUint32(index + 8), head.getUint32(index + 12)];
      if (size[0] * size[1] > found.size[0] * found.size[1]) found.size = size;
    }
  },
};

/**
 * Removes the orientation from a block of EXIF. Returns whether there was one.
 *
 * @param {Reader} reader @param {number} at @param {number} length @param {Found} found
 */
async function turn(reader, at, length, found) {
  const block = await reader.view(at, length);
  const little = text(block, 0, 2) === "II";
  if (!little && text(block, 0, 2) !== "MM") return false;
  const directory = block.getUint32(4, little);
  for (let i = 0; i < block.getUint16(directory, little); i++) {
    const entry = directory + 2 + 12 * i;
    if (block.getUint16(entry, little) !== ORIENTATION || block.getUint16(entry + 2, little) !== SHORT) continue;
    const value = block.getUint16(entry + 8, little);
    if (!(value >= 2 && value <= 8)) return false;
    if (!found.edits.length) found.orientation = value; // the first one counts
    found.edits.push({ at: at + entry + 8, length: 2, bytes: little ? [1, 0] : [0, 1] });
    return true;
  }
  return false;
}

const ORIENTATION = 0x0112;
/** EXIF's type for a 16-bit number. */
const SHORT = 3;
