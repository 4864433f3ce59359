"""Tiny valid archives, projects, settings and labels as initial inputs for libFuzzer. Those for weights and pictures are in
tests/golden/.

    python fuzz/corpus.py

Writes fuzz/corpus/TARGET/. What else lies there are inputs that once were findings.
"""

import gzip
import io
import json
import pathlib
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).parent
CORPUS = ROOT / "corpus"


def keep(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def archives():
    record = bytes([3]) + bytes(3072)

    def tar(**files):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return packed.getvalue()

    whole = tar(data_batch_1=record, test_batch=record)
    keep("archive", "whole.tar.gz", gzip.compress(whole, mtime=0))
    keep("archive", "one.tar", tar(test_batch=b"")[:1536])
    # GNU's sparse files: a few bytes that a header expands to any number of zeros.
    entry = tarfile.TarInfo("test_batch.bin")
    entry.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 0)
    header[483:495] = b"%011o\0" % 8_000_000_000
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    keep("archive", "sparse.tar", bytes(header) + bytes(1024))


def projects():
    picture = (ROOT / "../tests/golden/pictures/one_bit.png").read_bytes()

    def zipped(files, method=zipfile.ZIP_DEFLATED):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content, method)
        return packed.getvalue()

    classes = [{"name": "y", "folder": "01 y"}, {"name": "x", "folder": "02 x"}]
    described = json.dumps({"format": "MobileNetV2 Lab project", "version": 1, "classes": classes, "settings": {}})
    pictures = {f"{part}/{folder}/0.png": picture for part in ["train", "test"] for folder in ["01 y", "02 x"]}
    keep("project", "project.zip", zipped({"project.json": described, **pictures}))
    keep("project", "stored.zip", zipped({"a/0.png": picture, "b/0.png": picture}, zipfile.ZIP_STORED))
    keep("project", "junk.zip", zipped({"top/a/0.png": picture, "__MACOSX/top/a/._0.png": b"", "top/b/1.png": picture}))


def texts():
    for recipe in (ROOT / "../recipes").glob("*.json"):
        keep("settings", recipe.name, recipe.read_bytes())
    keep("settings", "sizes.json", json.dumps({"sizes": [32, 40], "freeze": 19, "average": 0.9, "seed": 2**64 - 1}))
    network = {"width": 0.35, "resolution": 32, "classes": 10, "stem": "cifar", "shortcut": "projected", "mean": [0.5] * 3}
    keep("settings", "network.json", json.dumps(network))
    keep("settings", "doubled.json", '{"width": 1, "x": [{"a": null, "a": true}], "width": 1e999}')
    keep("labels", "lines.txt", "\ufeffcat\r\ndog\r\n\r\n")
    keep("labels", "numbered.txt", "0: tench\n1, goldfish\n")
    keep("labels", "array.json", '["cat", "\\ud83d\\ude00"]')
    keep("labels", "object.json", '{"1": "dog", "0": "cat"}')


if __name__ == "__main__":
    archives()
    projects()
    texts()
