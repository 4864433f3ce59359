"""Writes resize.txt and pad.txt: hashes of Pillow's results for images of noise. Run with Pillow >= 12: python3 resize.py"""

import pathlib

import PIL
from PIL import Image, ImageOps

CASES = [  # width, height, left, top, right, bottom, resolution
    (1, 1, 0, 0, 1, 1, 8),
    (5, 7, 0, 0, 5, 7, 33),
    (37, 23, 0, 0, 37, 23, 16),
    (37, 23, 0, 0, 23, 23, 23),
    (32, 64, 0, 0, 32, 64, 32),
    (64, 32, 0, 0, 64, 32, 32),
    (64, 64, 16, 16, 48, 48, 32),
    (64, 64, 16.25, 3.5, 48.75, 63.9, 31),
    (25, 35, 1.5625, 6.5625, 23.4375, 28.4375, 24),
    (300, 500, 18.75, 118.75, 281.25, 381.25, 224),
    (335, 500, 20.9375, 103.4375, 314.0625, 396.5625, 224),
    (901, 687, 149.9375, 42.9375, 751.0625, 644.0625, 224),
    (901, 687, 149.9375, 42.9375, 751.0625, 644.0625, 32),
    (901, 687, 100.1, 0.3, 100.7, 686.9, 19),
    (33, 2000, 0, 0, 33, 2000, 9),
    (3000, 5, 0, 0.1, 3000, 4.7, 8),
    (4000, 40, 1234.5, 3.25, 1267.25, 36, 224),
    (640, 427, 401.0625, 17.3, 640, 256.2375, 224),
    (1200, 900, 0, 0, 1200, 900, 224),
    (40, 30, 36.9, 0, 40, 3.1, 224),
]

PADDED = [  # width, height, resolution
    (1, 1, 8),
    (5, 7, 33),
    (37, 23, 16),
    (64, 64, 32),
    (300, 500, 224),
    (901, 687, 224),
    (687, 901, 97),
    (33, 2000, 64),
    (3000, 50, 96),
    (451, 300, 31),
]


def noise(width, height):
    state, out = width * 1000 + height, bytearray()
    for _ in range(3 * width * height):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return Image.frombytes("RGB", (width, height), bytes(out))


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


lines = [f"# Pillow {PIL.__version__}: width height left top right bottom resolution hash"]
for width, height, *box, resolution in CASES:
    out = noise(width, height).resize((resolution, resolution), Image.Resampling.BILINEAR, box=tuple(box))
    lines.append(" ".join(map(str, [width, height, *box, resolution, f"{fnv1a(out.tobytes()):016x}"])))
pathlib.Path(__file__).with_name("resize.txt").write_text("\n".join(lines) + "\n")

lines = [f"# Pillow {PIL.__version__}: width height resolution hash"]
for width, height, resolution in PADDED:
    size, colour = (resolution, resolution), (124, 116, 104)
    out = ImageOps.pad(noise(width, height), size, Image.Resampling.BILINEAR, colour)
    lines.append(f"{width} {height} {resolution} {fnv1a(out.tobytes()):016x}")
pathlib.Path(__file__).with_name("pad.txt").write_text("\n".join(lines) + "\n")
