"""Times training steps of torchvision's MobileNetV2 with the strides of the CIFAR network.

Reads requests from standard input, a line of JSON each, {"width", "batch", "steps"}, and answers each with a line: the
milliseconds of the steps, after three that warm up. The first line says which PyTorch it is. The number of threads comes
from OMP_NUM_THREADS.
"""

import json
import os
import sys
import time

import torch
from torch import nn
from torchvision.models.mobilenetv2 import MobileNetV2

STAGES = [[1, 16, 1, 1], [6, 24, 2, 1], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]


def measure(width, batch, steps):
    torch.manual_seed(1)
    model = MobileNetV2(10, width, STAGES)
    model.features[0][0].stride = (1, 1)
    model = model.to(memory_format=torch.channels_last).train()
    images = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.045, momentum=0.9, weight_decay=4e-5)
    times = []
    for _ in range(3 + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        times.append((time.perf_counter() - start) * 1e3)
    return times[3:]


torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
print(json.dumps(f"PyTorch {torch.__version__}"), flush=True)
for line in sys.stdin:
    print(json.dumps(measure(**json.loads(line))), flush=True)
