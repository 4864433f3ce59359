"""torchvision's MobileNetV2 with the weights of a file of this project: it gives the same logits.

    python examples/torchvision_network.py w.safetensors photo.jpg

Needs torch, torchvision, safetensors and, for pictures, Pillow. The tensors alone do not determine their network:
strides, shortcuts, padding, ε and activation leave no trace in them, so `load_state_dict(…, strict=True)` also accepts
a network that computes something else. The file's metadata describe it. In the other direction, save with the metadata:

    save_file(model.state_dict(), "theirs.safetensors", {**config, "format": "pt"})
"""

import functools
import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from torchvision.models.mobilenetv2 import InvertedResidual, MobileNetV2
from torchvision.ops import Conv2dNormActivation

ACTIVATIONS = {"relu6": nn.ReLU6, "relu": nn.ReLU, "linear": nn.Identity}


class SameConv2d(nn.Conv2d):
    """TensorFlow's SAME: at stride 2 and an even size, padding only after the image."""

    def forward(self, x):
        before, after = (0, 1) if self.stride[0] == 2 and x.shape[-1] % 2 == 0 else (1, 1)
        x = functional.pad(x, (before, after, before, after))
        return functional.conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)


class ProjectedResidual(InvertedResidual):
    """A block whose shortcut is a convolution, since its channels differ in number."""

    def forward(self, x):
        return self.conv(x) + self.shortcut(x)


def network(config):
    """torchvision's network for a file's metadata, untrained."""
    t, stride = int(config["expansion"]), 1 if config["stem"] == "cifar" else 2
    # Strides must be given here: a block decides by its stride whether it has a shortcut when it is built.
    stages = [[1, 16, 1, 1], [t, 24, 2, stride], [t, 32, 3, 2], [t, 64, 4, 2], [t, 96, 3, 1], [t, 160, 3, 2], [t, 320, 1, 1]]
    norm = functools.partial(nn.BatchNorm2d, eps=float(config["epsilon"]), momentum=float(config["batch_norm_momentum"]))
    model = MobileNetV2(int(config["classes"]), float(config["width"]), stages, norm_layer=norm,
                        dropout=float(config["dropout"]))
    model.features[0][0].stride = (stride, stride)
    for block in (module for module in model.features if isinstance(module, InvertedResidual)):
        adapt(block, config, norm)
    if config["expand_first"] == "true":
        channels = model.features[0][0].out_channels
        model.features[1].conv.insert(0, Conv2dNormActivation(channels, channels, 1, norm_layer=norm, activation_layer=nn.ReLU6))
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(module, name, ACTIVATIONS[config["activation"]]())
            if isinstance(child, nn.Conv2d) and child.kernel_size == (3, 3) and config["padding"] == "same":
                child.__class__ = SameConv2d
    if config["bottleneck"] != "linear":
        for block in (module for module in model.features if isinstance(module, InvertedResidual)):
            block.conv.append(ACTIVATIONS[config["bottleneck"]]())
    return model


def adapt(block, config, norm):
    """Gives a block the shortcut of `config`."""
    first, last = (next(c for c in order if isinstance(c, nn.Conv2d)) for order in (block.modules(), reversed([*block.modules()])))
    if config["shortcut"] == "none":
        block.use_res_connect = False
    elif config["shortcut"] == "projected" and block.stride == 1 and first.in_channels != last.out_channels:
        block.shortcut = nn.Sequential(nn.Conv2d(first.in_channels, last.out_channels, 1, bias=False), norm(last.out_channels))
        block.__class__ = ProjectedResidual


def read_config(path):
    """The network's configuration in a file's metadata."""
    with safe_open(path, framework="pt") as file:
        config = file.metadata() or {}
    if "width" not in config:
        raise SystemExit(f"{path} does not describe its network; `mobilenetv2 convert` adds that")
    return config


def load(path):
    """The network of a file, ready to classify, and the file's metadata."""
    config = read_config(path)
    model = network(config)
    model.load_state_dict(load_file(path), strict=True)
    return model.eval(), config


def colours(config):
    """Mean and standard deviation of the colours, (3, 1, 1) each, for pictures from 0 to 1."""
    return (torch.tensor([float(value) for value in config[key].split(",")]).view(3, 1, 1) for key in ["mean", "std"])


def see(path, config):
    """The network's input from a picture: its centre, resized and normalised, (3, R, R)."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    side, resolution = float(config["crop"]) * min(image.size), int(config["resolution"])
    left, top = ((length - side) / 2 for length in image.size)
    image = image.resize((resolution, resolution), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(resolution, resolution, 3)
    mean, std = colours(config)
    return (pixels.permute(2, 0, 1) / 255 - mean) / std


def main():
    weights, *pictures = sys.argv[1:]
    model, config = load(weights)
    labels = json.loads(config.get("labels", "[]"))
    for picture in pictures:
        with torch.no_grad():
            probabilities = model(see(picture, config)[None]).softmax(1)[0]
        best = probabilities.topk(min(5, len(probabilities)))
        print(picture)
        for probability, number in zip(best.values.tolist(), best.indices.tolist()):
            print(f"{100 * probability:7.2f} %  {labels[number] if labels else f'class {number}'}")


if __name__ == "__main__":
    main()
