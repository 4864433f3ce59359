"""Networks with random weights as saved by other libraries, and those libraries' logits for some pictures, for
tests/schemes.rs.

    python tests/golden/schemes.py FOLDER           # needs torch, torchvision, timm, transformers, safetensors
    python tests/golden/schemes.py --small tests/golden/schemes

Writes for each of torchvision, timm, transformers and pytorch-cifar

    NAME.safetensors          the network's state_dict as it is, without metadata
    NAME.logits.safetensors   `images` (N, R, R, 3) as bytes, `logits` by the library in evaluation mode, after the
                              library's own normalisation

--small: narrow networks with 16-bit weights, to be kept beside the tests. pytorch-cifar is not a package: its network is
written here from its description (reference: kuangliu's collection of PyTorch networks for CIFAR-10).
"""

import argparse
import pathlib

import timm.models.efficientnet
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2
from torchvision.models._utils import _make_divisible as make_divisible
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification
from transformers.image_utils import IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def convolution(c_in, c_out, kernel=1, stride=1, groups=1):
    return nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)


class CifarBlock(nn.Module):
    """ReLU, always an expansion, and a shortcut wherever the stride is 1, projected if the channels differ."""

    def __init__(self, c_in, c_out, expansion, stride):
        super().__init__()
        wide = c_in * expansion
        self.stride = stride
        self.conv1, self.bn1 = convolution(c_in, wide), nn.BatchNorm2d(wide)
        self.conv2, self.bn2 = convolution(wide, wide, 3, stride, wide), nn.BatchNorm2d(wide)
        self.conv3, self.bn3 = convolution(wide, c_out), nn.BatchNorm2d(c_out)
        projected = stride == 1 and c_in != c_out
        self.shortcut = nn.Sequential(*[convolution(c_in, c_out), nn.BatchNorm2d(c_out)] if projected else [])

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return y + self.shortcut(x) if self.stride == 1 else y


class CifarNetwork(nn.Module):
    """The network for 32² pictures; unlike the original it has options for width and expansion."""

    def __init__(self, classes=10, width=1.0, t=6):
        super().__init__()
        rounded = lambda channels: make_divisible(channels * width, 8)
        stages = [(1, 16, 1, 1), (t, 24, 2, 1), (t, 32, 3, 2), (t, 64, 4, 2), (t, 96, 3, 1), (t, 160, 3, 2), (t, 320, 1, 1)]
        c_in, last = rounded(32), 1280
        self.conv1, self.bn1 = convolution(3, c_in, 3), nn.BatchNorm2d(c_in)
        blocks = []
        for expansion, channels, repeats, stride in stages:
            for repeat in range(repeats):
                c_out = rounded(channels)
                blocks.append(CifarBlock(c_in, c_out, expansion, stride if repeat == 0 else 1))
                c_in = c_out
        self.layers = nn.Sequential(*blocks)
        self.conv2, self.bn2 = convolution(c_in, last), nn.BatchNorm2d(last)
        self.linear = nn.Linear(last, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(self.layers(x))))
        return self.linear(functional.avg_pool2d(x, 4).flatten(1))


def networks(small):
    """Name, network, resolution, mean and standard deviation of the input."""
    standard = IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD
    if small:
        narrow = timm.models.efficientnet._gen_mobilenet_v2("mobilenetv2_100", 0.1, num_classes=5)
        google = MobileNetV2Config(depth_multiplier=0.3, expand_ratio=2.0, num_labels=5)
        cifar = CifarNetwork(width=0.3, t=2)
        vision = mobilenet_v2(width_mult=0.1, num_classes=5)
    else:
        narrow = timm.create_model("mobilenetv2_035", num_classes=7)
        google = MobileNetV2Config(depth_multiplier=0.35, num_labels=1001)
        cifar = CifarNetwork()
        vision = mobilenet_v2(width_mult=0.35, num_classes=6)
    transform = MobileNet_V2_Weights.IMAGENET1K_V2.transforms()
    yield "torchvision", vision, 64, transform.mean, transform.std
    cfg = timm.create_model("mobilenetv2_100").default_cfg
    yield "timm", narrow, 64, cfg["mean"], cfg["std"]
    # 65 → 33 → 17 → 9 → 5 → 3 and 64 → 32 → … → 2: TensorFlow's padding at odd and at even sizes
    yield "transformers", MobileNetV2ForImageClassification(google), 65 if small else 64, *standard
    yield "pytorch-cifar", cifar, 32, CIFAR_MEAN, CIFAR_STD


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--small", action="store_true")
    arguments = arguments.parse_args()
    torch.manual_seed(0)
    for name, model, resolution, mean, std in networks(arguments.small):
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0.0, 0.3)
                nn.init.normal_(module.running_mean, 0.0, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        state = {key: value.contiguous() for key, value in model.state_dict().items()}
        if arguments.small:
            state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
            model.load_state_dict(state)
        images = torch.randint(0, 256, (2, resolution, resolution, 3), dtype=torch.uint8)
        x = (images / 255 - torch.tensor(mean)) / torch.tensor(std)
        with torch.no_grad():
            logits = model.eval()(x.permute(0, 3, 1, 2))
        logits = getattr(logits, "logits", logits)
        save_file(state, arguments.folder / f"{name}.safetensors")
        save_file({"images": images, "logits": logits}, arguments.folder / f"{name}.logits.safetensors")


main()
