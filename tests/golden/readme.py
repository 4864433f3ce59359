"""The README's PyTorch example verbatim, for tests/torchvision.rs.

    PYTHONPATH=examples python tests/golden/readme.py README FOLDER...

In each FOLDER the example reads w.safetensors and writes theirs.safetensors; `logits` gets the `images` that it was given,
(N, R, R, 3), normalised, and the `logits` that it found.
"""

import os
import pathlib
import re
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file

readme, *folders = sys.argv[1:]
text = pathlib.Path(readme).read_text()
example = re.search(r"to and from PyTorch.*?```python\n(.*?)```", text, re.DOTALL)[1]
for folder in folders:
    os.chdir(folder)
    with safe_open("w.safetensors", framework="pt") as file:
        resolution = int(file.metadata()["resolution"])
    torch.manual_seed(0)
    names = {"images": torch.randn(2, 3, resolution, resolution)}
    with torch.no_grad():
        exec(example, names)
    save_file({"images": names["images"].permute(0, 2, 3, 1).contiguous(), "logits": names["logits"]}, "logits")
