"""Continues a training in PyTorch, on any number of processes, and writes weights that load back.

    torchrun --nproc-per-node 2 examples/continue_in_pytorch.py --weights w.safetensors --recipe recipes/modern.json \\
        --data data/cifar-10 --out further.safetensors --epochs 30

Needs torch, torchvision, safetensors and, except for CIFAR-10's binary form, Pillow. WEIGHTS is a file of this project, whose
metadata describe the network; RECIPE has the settings of src/train/recipe.rs, with the same meaning and defaults. DATA
is CIFAR-10, as laid out by `cargo xtask data` (train_00.webp …) or in its binary form (data_batch_1.bin …), or has `train/`
and `test/` with one folder of images per class.

A recipe's `batch` is the total over all processes. Batch norm's statistics, however, are those of each process's share, as
usual with DistributedDataParallel, and the running averages those of the first. Prints one line of JSON per step and epoch,
like `mobilenetv2 train --json`.
"""

import argparse
import copy
import json
import math
import pathlib

import torch
from safetensors.torch import load_file, save_file
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torchvision.transforms.functional import resize

from torchvision_network import colours, network, read_config

RECIPE = {
    "batch": 96, "optimizer": "sgd", "learning_rate": 0.045, "schedule": "exponential", "decay": 0.98,
    "decay_until": None, "warmup": 0.0, "momentum": 0.9, "rms_decay": 0.9, "rms_epsilon": 1.0, "weight_decay": 4e-5,
    "decay_norms": True, "average": 0.0, "label_smoothing": 0.0, "crop_padding": 4, "flip": True, "sizes": [], "cutout": 0, "freeze": 0, "seed": 1,
}
CIFAR_RECORD = 1 + 3 * 32 * 32
EVALUATED_AT_ONCE = 256


def optimizer(model, recipe):
    """Applies weight decay to all weights, or only to those of convolutions and classifier."""
    decays = lambda parameter: recipe["decay_norms"] or parameter.ndim > 1
    groups = [
        {"params": [p for p in model.parameters() if decays(p)], "weight_decay": recipe["weight_decay"]},
        {"params": [p for p in model.parameters() if not decays(p)], "weight_decay": 0.0},
    ]
    if recipe["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(groups, lr=0.0, alpha=recipe["rms_decay"], eps=recipe["rms_epsilon"],
                                   momentum=recipe["momentum"])
    nesterov = {"sgd": False, "nesterov": True}[recipe["optimizer"]]
    return torch.optim.SGD(groups, lr=0.0, momentum=recipe["momentum"], nesterov=nesterov and recipe["momentum"] > 0)


def learning_rate(recipe, epoch):
    """Like src/train/schedule.rs: the learning rate of a step, from the epochs trained before it."""
    progress = min(epoch / max(recipe["decay_until"], 1e-9), 1.0)
    factor = {
        "exponential": recipe["decay"] ** math.floor(epoch),
        "linear": 1.0 - progress,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * progress)),
        "constant": 1.0,
    }[recipe["schedule"]]
    return recipe["learning_rate"] * factor * (epoch / recipe["warmup"] if epoch < recipe["warmup"] else 1.0)


def cifar(files):
    """(N, 3, 32, 32) bytes and labels."""
    records = torch.cat([torch.frombuffer(bytearray(file.read_bytes()), dtype=torch.uint8) for file in sorted(files)])
    records = records.view(-1, CIFAR_RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def mosaics(folder, kind):
    """Like src/data/cifar10.rs: 25 rows of 40 images each; mosaic i has the labels from 1000 i on."""
    from PIL import Image

    labels = torch.frombuffer(bytearray((folder / f"{kind}_labels.bin").read_bytes()), dtype=torch.uint8).long()
    files = sorted(folder.glob(f"{kind}_*.webp"))
    pixels = [torch.frombuffer(bytearray(Image.open(file).convert("RGB").tobytes()), dtype=torch.uint8) for file in files]
    tiles = [mosaic.view(25, 32, 40, 32, 3).permute(0, 2, 4, 1, 3).reshape(-1, 3, 32, 32) for mosaic in pixels]
    return torch.cat(tiles), torch.cat([labels.split(1000)[int(file.stem.removeprefix(f"{kind}_"))] for file in files])


def class_folders(folder, names, config):
    """The centre of each image at the network's resolution, (N, 3, R, R) bytes, and labels."""
    from PIL import Image, ImageOps

    resolution, images, labels = int(config["resolution"]), [], []
    for label, name in enumerate(names):
        for file in sorted((folder / name).glob("*")):
            image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
            side = float(config["crop"]) * min(image.size)
            left, top = ((length - side) / 2 for length in image.size)
            image = image.resize((resolution, resolution), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
            pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
            images.append(pixels.view(resolution, resolution, 3).permute(2, 0, 1))
            labels.append(label)
    if not images:
        raise SystemExit(f"{folder} has no image in a folder named after one of the {len(names)} classes ({names[0]}, …)")
    return torch.stack(images), torch.tensor(labels)


def load(folder, config):
    """Training and test images, with labels numbered as the network's classes."""
    if list(folder.glob("train_*.webp")):
        return mosaics(folder, "train"), mosaics(folder, "test")
    batches = list(folder.glob("data_batch_*.bin"))
    if batches:
        return cifar(batches), cifar([folder / "test_batch.bin"])
    if not all((folder / kind).is_dir() for kind in ["train", "test"]):
        raise SystemExit(f"{folder} contains neither CIFAR-10 (train_00.webp … or data_batch_1.bin …) nor train/ and test/ with "
                         "one folder of images per class")
    names = json.loads(config.get("labels", "null")) or sorted(path.name for path in (folder / "train").iterdir())
    if len(names) != int(config["classes"]):
        raise SystemExit(f"{folder} has {len(names)} classes, the network {config['classes']}")
    config["labels"] = json.dumps(names, ensure_ascii=False)
    return class_folders(folder / "train", names, config), class_folders(folder / "test", names, config)


def augment(image, recipe, config, random):
    """Like src/train/augment.rs: a random size, a random window over black, mirrored or not, with a cutout."""
    draw = lambda low, high: torch.randint(low, high + 1, (), generator=random).item()
    resolution = int(config["resolution"])
    sizes = recipe["sizes"] or [resolution]
    size = sizes[draw(0, len(sizes) - 1)]
    if image.shape[-1] != size:
        image = resize(image, [size, size], antialias=True)
    padding = recipe["crop_padding"] + max(resolution - size, 0)
    image = functional.pad(image, [padding] * 4)
    left, top = (draw(0, size + 2 * padding - resolution) for _ in range(2))
    image = image[:, top : top + resolution, left : left + resolution]
    if recipe["flip"] and draw(0, 1):
        image = image.flip(-1)
    if side := recipe["cutout"]:
        rows, columns = (slice(max(centre - side // 2, 0), centre + (side + 1) // 2)
                         for centre in (draw(0, resolution - 1) for _ in range(2)))
        image[:, rows, columns] = 255 * next(colours(config))
    return image


@torch.no_grad()
def follow(average, model, recipe, steps):
    """Like src/train/optim.rs: moves the averaged weights and running averages towards those after `steps` steps."""
    past = min(recipe["average"], (1 + steps) / (10 + steps))
    for name, value in model.state_dict().items():
        average[name].copy_(average[name].lerp(value, 1 - past) if value.is_floating_point() else value)


@torch.no_grad()
def evaluate(model, images, labels, config):
    """Loss and number of correct answers, by the running averages."""
    model.eval()
    resolution = int(config["resolution"])
    if images.shape[-1] != resolution:
        images = resize(images, [resolution, resolution], antialias=True)
    (mean, std), loss, correct = colours(config), 0.0, 0
    for x, y in zip(images.split(EVALUATED_AT_ONCE), labels.split(EVALUATED_AT_ONCE)):
        logits = model((x / 255 - mean) / std)
        loss += functional.cross_entropy(logits, y, reduction="sum").item()
        correct += (logits.argmax(1) == y).sum().item()
    total = len(labels)
    return {"loss": loss / total, "correct": correct, "total": total, "accuracy": correct / total}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ["weights", "recipe", "data", "out"]:
        parser.add_argument(f"--{option}", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()

    config = read_config(options.weights)
    settings = json.loads(options.recipe.read_text())
    if unknown := settings.keys() - RECIPE.keys():
        raise SystemExit(f"{options.recipe} has settings that do not exist: {', '.join(sorted(unknown))}")
    recipe = {**RECIPE, **settings}
    recipe["decay_until"] = options.epochs if recipe["decay_until"] is None else recipe["decay_until"]
    if recipe["freeze"]:
        raise SystemExit("frozen modules (freeze) are not supported here")

    distributed.init_process_group("gloo")
    rank, processes = distributed.get_rank(), distributed.get_world_size()
    (images, labels), test = load(options.data, config)
    batch = min(recipe["batch"], len(labels))
    if batch % processes:
        raise SystemExit(f"a batch of {batch} cannot be divided evenly among {processes} processes")
    steps = len(labels) // batch

    model = network(config)
    model.load_state_dict(load_file(options.weights), strict=True)
    parallel = DistributedDataParallel(model)
    update = optimizer(model, recipe)
    # The network to evaluate and save.
    evaluated = copy.deepcopy(model) if recipe["average"] else model
    average = evaluated.state_dict()
    # The order of the images is the same in all processes, their augmentation is not.
    order, random = torch.Generator(), torch.Generator()
    order.manual_seed(recipe["seed"])
    random.manual_seed(recipe["seed"] + 1 + rank)
    torch.manual_seed(recipe["seed"] + 1 + rank)  # dropout
    mean, std = colours(config)
    say = lambda line: print(json.dumps(line), flush=True) if rank == 0 else None

    for epoch in range(options.epochs):
        shuffled = torch.randperm(len(labels), generator=order)
        for step in range(steps):
            share = shuffled[step * batch : (step + 1) * batch][rank::processes]
            x = torch.stack([augment(images[i], recipe, config, random) for i in share])
            for group in update.param_groups:
                group["lr"] = learning_rate(recipe, epoch + step / steps)
            logits = parallel.train()((x / 255 - mean) / std)
            loss = functional.cross_entropy(logits, labels[share], label_smoothing=recipe["label_smoothing"])
            update.zero_grad()
            loss.backward()
            update.step()
            if recipe["average"]:
                follow(average, model, recipe, epoch * steps + step + 1)
            figures = torch.stack([loss.detach(), (logits.argmax(1) == labels[share]).float().mean()])
            distributed.all_reduce(figures)
            loss, accuracy = (figures / processes).tolist()
            say({"epoch": epoch + 1, "step": epoch * steps + step + 1, "loss": loss, "accuracy": accuracy,
                 "learning_rate": update.param_groups[0]["lr"]})
            if not math.isfinite(loss):
                raise SystemExit("the training has diverged: try a lower learning rate")
        if rank == 0:
            say({"epoch": epoch + 1, "step": (epoch + 1) * steps, "held_out": evaluate(evaluated, *test, config)})
        distributed.barrier()
    if rank == 0:
        save_file(evaluated.state_dict(), options.out, {**config, "format": "pt"})
    distributed.destroy_process_group()


main()
