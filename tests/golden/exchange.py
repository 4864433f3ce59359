"""torchvision's side of tests/torchvision.rs: reads a file of ours, writes one of its own.

    python tests/golden/exchange.py OURS WIDTH CLASSES THEIRS LOGITS

OURS is loaded with strict=True. THEIRS becomes a network of the same width and classes with other numbers, saved as
anyone would. LOGITS gets `images` (N, 64, 64, 3), normalised, and what torchvision makes of them with OURS (`ours`)
and with THEIRS (`theirs`).
"""

import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models import mobilenet_v2

ours, width, classes, theirs, logits = sys.argv[1:]


def network():
    return mobilenet_v2(width_mult=float(width), num_classes=int(classes)).eval()


def results(model, images):
    with torch.no_grad():
        return model(images)


torch.manual_seed(0)
images = torch.randn(2, 3, 64, 64)
first = network()
first.load_state_dict(load_file(ours), strict=True)
second = network()
for module in second.modules():
    if isinstance(module, nn.BatchNorm2d):
        nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(module.bias, 0.0, 0.3)
        nn.init.normal_(module.running_mean, 0.0, 0.3)
        nn.init.uniform_(module.running_var, 0.5, 1.5)
save_file(second.state_dict(), theirs)
save_file({
    "images": images.permute(0, 2, 3, 1).contiguous(),
    "ours": results(first, images),
    "theirs": results(second, images),
}, logits)
