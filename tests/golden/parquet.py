"""Writes tests/golden/parquet/: small data sets as converted by the Hugging Face Hub, and their contents.

    pip install pyarrow pillow && python3 tests/golden/parquet.py

Each file is written by pyarrow, as the Hub's are, in one of the ways that pyarrow has. `rows.json` lists every row by its
label and the beginning of its picture's SHA-256.
"""

import hashlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FOLDER = Path(__file__).parent / "parquet"
NAMES = ["red", "green", "blue"]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def picture(label, number):
    """A PNG of 12 x 12 pixels in the label's colour, with darker pixels that encode `number`."""
    colour = [20, 20, 20]
    colour[label] = 220
    image = Image.new("RGB", (12, 12), tuple(colour))
    for x in range(12):
        image.putpixel((x, number % 12), (number * 7 % 256, x, number % 256))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def features(**columns):
    """The features as the library `datasets` writes them into a file."""
    return {"huggingface": json.dumps({"info": {"features": columns}})}


PICTURE = {"_type": "Image"}
CLASSES = {"names": NAMES, "_type": "ClassLabel"}
written = {}


def write(name, columns, metadata=None, **how):
    table = pa.table(columns)
    table = table.replace_schema_metadata(metadata)
    pq.write_table(table, FOLDER / f"{name}.parquet", **how)


def rows_of(name, pictures, labels):
    written[name] = [[label, hashlib.sha256(bytes_).hexdigest()[:16]] for bytes_, label in zip(pictures, labels)]


def structs(pictures):
    return pa.array([{"bytes": bytes_, "path": f"{i}.png"} for i, bytes_ in enumerate(pictures)], IMAGE)


def sorted_by_class(rows, first=0):
    labels = [i * len(NAMES) // rows for i in range(rows)]
    return [picture(label, first + i) for i, label in enumerate(labels)], labels


FOLDER.mkdir(exist_ok=True)

# the usual form: structs, integers with names, Snappy, dictionaries, several groups
pictures, labels = sorted_by_class(45)
rows_of("train", pictures, labels)
write("train", {"image": structs(pictures), "label": pa.array(labels, pa.int64())},
      features(image=PICTURE, label=CLASSES), compression="snappy", row_group_size=10)
pictures, labels = sorted_by_class(12, 100)
rows_of("test", pictures, labels)
write("test", {"image": structs(pictures), "label": pa.array(labels, pa.int64())},
      features(image=PICTURE, label=CLASSES), compression="snappy", row_group_size=10)

# the bare minimum: bytes, text, uncompressed, no dictionaries, no features
pictures, labels = sorted_by_class(20, 200)
labels = [NAMES[label] for label in labels]
rows_of("plain", pictures, labels)
write("plain", {"id": pa.array(range(20), pa.int64()), "picture": pa.array(pictures, pa.binary()),
                "class": pa.array(labels, pa.string())},
      compression="none", use_dictionary=False, row_group_size=6)

# small data pages V2 with an index, and labels without names
pictures, labels = sorted_by_class(20, 300)
labels = [10 + label for label in labels]
rows_of("pages", pictures, labels)
write("pages", {"img": structs(pictures), "labels": pa.array(labels, pa.int32())},
      features(img=PICTURE, labels={"dtype": "int32", "_type": "Value"}), compression="snappy",
      data_page_version="2.0", data_page_size=300, write_page_index=True, row_group_size=20)

# missing labels, and an invalid picture
pictures, labels = sorted_by_class(12, 400)
labels[3], labels[7] = None, -1
pictures[5] = b"no picture"
rows_of("gaps", pictures, labels)
write("gaps", {"image": structs(pictures), "label": pa.array(labels, pa.int64())},
      features(image=PICTURE, label=CLASSES), compression="snappy")

# files that are refused
pictures, labels = sorted_by_class(4, 500)
image, label = structs(pictures), pa.array(labels, pa.int64())
write("zstd", {"image": image, "label": label}, features(image=PICTURE, label=CLASSES), compression="zstd")
write("unlabelled", {"image": image, "caption": pa.array([1.5] * 4)}, features(image=PICTURE))
write("several-images", {"left": image, "right": image, "label": label},
      features(left=PICTURE, right=PICTURE, label=CLASSES))
write("several-labels", {"image": image, "fine": label, "coarse": label},
      features(image=PICTURE, fine=CLASSES, coarse=CLASSES))
write("no-images", {"text": pa.array(["a"] * 4), "label": label}, features(text={"dtype": "string"}, label=CLASSES))
write("paths", {"image": pa.array([{"bytes": None, "path": f"{i}.png"} for i in range(4)], IMAGE), "label": label},
      features(image=PICTURE, label=CLASSES))

# CIFAR-10 as the Hub has it, but for the pictures: one a class, of which all rows are copies
for name, rows in ("cifar-train", 50_000), ("cifar-test", 10_000):
    labels = [i % 10 for i in range(rows)]
    files = []
    for label in range(10):
        file = io.BytesIO()
        Image.new("RGB", (32, 32), (20 * label, rows // 1000, 0)).save(file, "PNG")
        files.append(file.getvalue())
    pictures = pa.array([files[label] for label in labels], pa.binary())
    images = pa.StructArray.from_arrays([pictures, pa.nulls(rows, pa.string())], fields=list(IMAGE))
    names = "airplane automobile bird cat deer dog frog horse ship truck".split()
    write(name, {"img": images, "label": pa.array(labels, pa.int64())},
          features(img=PICTURE, label={"names": names, "_type": "ClassLabel"}), compression="snappy", row_group_size=10_000)

lines = [f'  "{name}": {json.dumps(rows)}' for name, rows in written.items()]
(FOLDER / "rows.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
