"""Measures the errors of PyTorch's 32-bit floats where a channel's mean is large relative to its deviation, and writes them to
batch_norm.json: src/train/layer/conditioning.rs and tests/golden.rs allow ours to be ten times as large.

    python tests/golden/batch_norm.py          # needs torch, torchvision, safetensors

For each kind of convolution and each ratio of mean to deviation: a convolution with batch norm in training mode, in 32 and
in 64 bits on the same 32-bit numbers, forward and backward. Both sides draw their numbers by the same rule. Then a batch of
one-colour pictures through the network of cifar.safetensors: of the gradient by each tensor its length, and its products
with some directions of +1 and -1, from which a distance between two gradients can be told without either being kept.
"""

import copy
import json

import numpy
import torch
from safetensors import safe_open
from torch import nn

import make

RATIOS = [1, 10, 100, 1000]
IMAGES, DIRECTIONS = 8, 4
MEAN, BESIDE = 100, 64

# The layers of width 0.35 at 64²: inputs, outputs, size, kernel, groups.
LAYERS = {
    "stem": (3, 16, 64, 3, 1),
    "expand": (8, 48, 64, 1, 1),
    "depthwise": (48, 48, 64, 3, 48),
    "project": (48, 8, 64, 1, 1),
    "last": (112, 1280, 8, 1, 1),
}


def noise(seed, *shape):
    """Numbers from -1 to 1, by index, that 24 bits represent exactly."""
    count = int(numpy.prod(shape))
    z = numpy.arange(count, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15) + numpy.uint64(seed << 32)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    z = z ^ (z >> numpy.uint64(31))
    return torch.from_numpy((z >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1).reshape(shape)


def draw(layer, ratio):
    """Inputs about MEAN, weights that add up to about 1 so that the outputs are about MEAN as well, and the gradient of what batch
    norm makes of them. The border, where taps are cut off, must not dominate the deviation: taps beside the centre are small."""
    c_in, c_out, size, kernel, groups = layer
    inputs = c_in // groups
    x = MEAN + MEAN * 1.7 * inputs**0.5 / ratio * noise(1, IMAGES, size, size, c_in).permute(0, 3, 1, 2)
    w = (1 + 0.5 * noise(2, kernel * kernel, inputs, c_out)) / inputs
    if kernel == 3:
        beside = 0.3 / ratio * noise(3, kernel * kernel, inputs, c_out) / inputs
        w[[tap for tap in range(9) if tap != 4]] = beside[[tap for tap in range(9) if tap != 4]]
    w = w.reshape(kernel, kernel, inputs, c_out).permute(3, 2, 0, 1)
    dz = noise(4, IMAGES, size, size, c_out).permute(0, 3, 1, 2)
    # NCHW in memory: with channels last, PyTorch sums in 32 bits.
    return [t.float().contiguous() for t in (x, w, dz)]


def measure(layer, x, w, dz):
    """Statistics and gradients, in the precision of the arguments."""
    _, c_out, _, kernel, groups = layer
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    norm = nn.BatchNorm2d(c_out, momentum=1.0).to(x.dtype).train()
    norm(nn.functional.conv2d(x, w, padding=kernel // 2, groups=groups)).backward(dz)
    return {
        "variance": norm.running_var, "mean": norm.running_mean,
        "gamma": norm.weight.grad, "beta": norm.bias.grad, "weights": w.grad, "input": x.grad,
    }


def off(found, expected):
    """The worst relative error of a variance, the worst error of a mean in deviations, and a gradient's relative distance."""
    result = {
        "variance": ((found["variance"] - expected["variance"]).abs() / expected["variance"]).max(),
        "mean": ((found["mean"] - expected["mean"]).abs() / expected["variance"].sqrt()).max(),
    }
    for name in ("gamma", "beta", "weights", "input"):
        result[name] = (found[name] - expected[name]).norm() / expected[name].norm()
    return {name: float(f"{value.item():.2g}") for name, value in result.items()}


def layers():
    result = {}
    for kind, layer in LAYERS.items():
        for ratio in RATIOS:
            numbers = draw(layer, ratio)
            expected = measure(layer, *(t.double() for t in numbers))
            result.setdefault(kind, {})[ratio] = off(measure(layer, *numbers), expected)
            found = (expected["mean"] / expected["variance"].sqrt()).median().item()
            print(kind, ratio, f"{found:.1f}", result[kind][ratio])
    return result


def one_colour():
    """A batch of similar one-colour pictures: their colours, and the gradients. The stem's taps beside the centre are a
    BESIDEth, so that the border does not dominate the deviation of its outputs: their mean is some eighty times that."""
    with safe_open(make.FOLDER / "cifar.safetensors", "pt") as file:
        model = make.network(make.CASES["cifar"])
        model.load_state_dict({name: file.get_tensor(name).double() for name in file.keys()}, strict=False)
    stem = model.features[0][0].weight.data
    centre = stem[:, :, 1, 1].clone()
    stem /= BESIDE
    stem[:, :, 1, 1] = centre

    def draw(seed):
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(235, 245, (IMAGES, 3), generator=generator)

    def images(colours, dtype):
        size = make.CASES["cifar"]["resolution"]
        return make.normalise(colours[:, None, None, :].expand(IMAGES, size, size, 3), dtype).contiguous()

    def gradients(colours, dtype):
        learner = copy.deepcopy(model).to(dtype).train()
        nn.functional.cross_entropy(learner(images(colours, dtype)), torch.arange(IMAGES)).backward()
        return {name: p.grad for name, p in learner.named_parameters()}

    # As in make.py: the batch whose values stay farthest from a kink of the activation, which rounding could cross.
    margin = lambda colours: make.margin(model, images(colours, torch.float64))
    colours = max((draw(seed) for seed in range(make.SEEDS)), key=margin)
    single, double = gradients(colours, torch.float32), gradients(colours, torch.float64)
    # As in make.py: some gradients are zero except for rounding, so the longest of all is the yardstick.
    least = 1e-2 * max(g.norm() for g in double.values())
    off = {name: ((single[name] - g).norm() / g.norm().clamp_min(least)).item() for name, g in double.items()}
    print(f"one-colour: {margin(colours):.0e} from a kink, off by {max(off.values()):.1e} at most")
    return {
        "colours": colours.tolist(),
        "gradients": [describe(g, least) for g in double.values()],
        "deviation_of_float32": float(f"{max(off.values()):.2g}"),
    }


def describe(gradient, least):
    """Its length, or `least`, and its products with the directions, in the layout of src/arch/parameters.rs."""
    flat = (gradient.permute(2, 3, 1, 0) if gradient.dim() == 4 else gradient.t()).flatten()
    along = [(flat * noise(10 + i, len(flat)).sign()).sum().item() for i in range(DIRECTIONS)]
    return [gradient.norm().clamp_min(least).item(), *along]


def main():
    torch.set_num_threads(1)
    result = {"layers": layers(), "one_colour": one_colour()}
    (make.FOLDER / "batch_norm.json").write_text(json.dumps(result) + "\n")


main()
