"""Writes small pictures of every supported kind to pictures/, and Pillow's result for each to pictures.txt: width,
height and FNV-1a of the RGB bytes, upright, over white, the upper 8 of 16 bits. Run with Pillow 13 and numpy:

    python tests/golden/pictures.py
"""

import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageFile, ImageOps

FOLDER = pathlib.Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 21, 13


def gradient(width=WIDTH, height=HEIGHT):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x * 7 + y * 11) % 256], 2).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(array, colour, depth=8, before=b"", after=b""):
    height, width = array.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows, 9)) + after
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def exif(value):
    block = Image.Exif()
    block[0x0112] = value
    return block.tobytes()


def over_white(rgba):
    rgba = rgba.astype(np.uint32)
    alpha = rgba[..., 3:]
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def as_pillow_sees(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.stack([grey] * 3, 2)
    if image.mode in ("LA", "RGBA") or "transparency" in image.info:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def write_all():
    rgb = gradient()
    image = Image.fromarray(rgb)
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH, 1) * 5 % 256).astype(np.uint8)
    rgba = np.concatenate([rgb, alpha], 2)
    for value in range(1, 9):
        image.save(FOLDER / f"o{value}.jpg", exif=exif(value))
        image.save(FOLDER / f"o{value}.png", exif=exif(value))
        image.save(FOLDER / f"o{value}.webp", exif=exif(value), lossless=True)
    (FOLDER / "exif_last.png").write_bytes(png(rgb, 2, after=chunk(b"eXIf", exif(6)[6:])))

    for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
        image.save(FOLDER / f"rgb_{name}.jpg", subsampling=subsampling)
        cmyk = Image.fromarray(np.concatenate([rgb, alpha // 3], 2), "CMYK")
        cmyk.save(FOLDER / f"cmyk_{name}.jpg", subsampling=subsampling)
    cmyk.save(FOLDER / "cmyk_progressive.jpg", progressive=True)
    image.save(FOLDER / "progressive.jpg", progressive=True)
    image.convert("L").save(FOLDER / "grey.jpg")
    whole = (FOLDER / "rgb_420.jpg").read_bytes()
    (FOLDER / "no_end.jpg").write_bytes(whole[:-2])

    deep = np.random.default_rng(1).integers(0, 65536, (HEIGHT, WIDTH, 4)).astype(">u2")
    for name, colour, channels in [("grey16", 0, 1), ("rgb16", 2, 3), ("rgba16", 6, 4)]:
        (FOLDER / f"{name}.png").write_bytes(png(deep[..., :channels], colour, 16))
    image.convert("L").save(FOLDER / "grey.png")
    image.convert("1").save(FOLDER / "one_bit.png")
    Image.fromarray(rgba).convert("LA").save(FOLDER / "grey_alpha.png")
    Image.fromarray(rgba).save(FOLDER / "rgba.png")
    Image.fromarray(rgba).save(FOLDER / "rgba.webp", lossless=True, exact=True)
    (FOLDER / "rgb_key.png").write_bytes(
        png(rgb, 2, before=chunk(b"tRNS", struct.pack(">HHH", *map(int, rgb[3, 4]))))
    )
    palette = image.quantize(16)
    palette.save(FOLDER / "palette.png", transparency=bytes(range(0, 256, 16)))
    palette.save(FOLDER / "palette.gif", transparency=3)
    frames = [palette, ImageOps.flip(palette)]
    frames[0].save(FOLDER / "moving.gif", save_all=True, append_images=frames[1:])
    image.save(FOLDER / "moving.webp", save_all=True, append_images=[ImageOps.flip(image)], lossless=True)
    image.save(FOLDER / "rgb.bmp")
    palette.save(FOLDER / "palette.bmp")
    image.save(FOLDER / "bmp_named.jpg", "BMP")


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


ImageFile.LOAD_TRUNCATED_IMAGES = True  # no_end.jpg, which browsers show as well
FOLDER.mkdir(exist_ok=True)
write_all()
lines = ["# file width height FNV-1a"]
for path in sorted(FOLDER.iterdir()):
    seen = as_pillow_sees(path)
    lines.append(f"{path.name} {seen.shape[1]} {seen.shape[0]} {fnv(seen.tobytes())}")
FOLDER.with_suffix(".txt").write_text("\n".join(lines) + "\n")
