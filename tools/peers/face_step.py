"""Compares the face detector's training speed with PyTorch: same network, batch, loss, optimizer, cores; alternately.

    cargo build --release --workspace --examples
    python3 tools/peers/face_step.py target/release/examples/face_step

Needs torch. Prints the frames per second of both for each round, and the ratio of their medians.
"""

import argparse
import statistics
import subprocess
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

BATCH, HEIGHT, WIDTH, VALUES = 32, 240, 320, 15


def unit(inputs, outputs):
    point = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(point, nn.Conv2d(outputs, outputs, 3, 1, 1, groups=outputs), nn.ReLU())


class Head(nn.Module):
    def __init__(self, width, between=16):
        super().__init__()
        self.unit = unit(width, width)
        self.values = nn.Conv2d(width, between, 1, bias=False)
        self.out = nn.Conv2d(between, VALUES, 3, 1, 1)

    def forward(self, x):
        return self.out(self.values(self.unit(x)))


class FaceNet(nn.Module):
    """The network of host/train/src/face/net.rs, with the recipe's sizes and random weights."""

    def __init__(self, stem=16, width=64):
        super().__init__()
        self.stem = nn.Conv2d(1, stem, 3, 2, 1)
        stages = [[(stem, stem)], [(stem, stem), (stem, width), (width, width), (width, width)]]
        stages += [[(width, width)] * 2] * 3
        self.stages = nn.ModuleList(nn.Sequential(*(unit(*of) for of in stage)) for stage in stages)
        self.joins = nn.ModuleList(unit(width, width) for _ in range(3))
        self.heads = nn.ModuleList(Head(width) for _ in range(3))

    def forward(self, x):
        # Pad with black at the bottom to a multiple of 32 px.
        x = F.relu(self.stem(F.pad(x, (0, 0, 0, -HEIGHT % 32), value=-2.0)))
        maps = []
        for number, stage in enumerate(self.stages):
            x = stage(F.max_pool2d(x, 2) if number else x)
            maps.append(x)
        joined = []
        for join, x in zip(self.joins, reversed(maps)):
            joined.append(join(x + F.interpolate(joined[-1], scale_factor=2) if joined else x))
        maps = [head(x) for head, x in zip(self.heads, reversed(joined))]
        rows = [-(-HEIGHT // stride) for stride in (8, 16, 32)]
        return torch.cat([m[:, :, :count].flatten(2) for m, count in zip(maps, rows)], 2)


def corners(values):
    half = values[:, 2:4].clamp(max=5).exp() / 2
    return values[:, :2] - half, values[:, :2] + half


def loss(cells, rows, wanted, sizes):
    n = cells.shape[0]
    logits = cells[:, 0].reshape(n, -1)
    target = torch.zeros_like(logits).flatten()
    target[rows] = 1
    target = target.reshape(logits.shape)
    off = (logits.sigmoid() - target).abs().detach()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    score = (entropy * off**2).sum() / len(rows)
    values = cells.transpose(1, 2).reshape(-1, VALUES)[rows]
    (a0, a1), (b0, b1) = corners(values[:, 1:5]), corners(wanted[:, :4])
    shared = (torch.min(a1, b1) - torch.max(a0, b0)).clamp(min=0).prod(1)
    hull = (torch.max(a1, b1) - torch.min(a0, b0)).prod(1)
    union = (a1 - a0).prod(1) + (b1 - b0).prod(1) - shared
    boxes = (1 - shared / union + (hull - union) / hull).mean()
    landmarks = ((values[:, 5:] - wanted[:, 4:]).abs() / sizes).mean()
    return score + 2 * boxes + 5 * landmarks


def ours(program, steps):
    return float(subprocess.run([program, str(steps)], check=True, capture_output=True, text=True).stdout)


def theirs(steps, channels_last):
    torch.manual_seed(1)
    net = FaceNet()
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
    average = [p.detach().clone() for p in net.parameters()]
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.001, weight_decay=0.01)
    rows = torch.arange(BATCH).repeat_interleave(4) * 1580 + torch.tensor([450, 451, 1290, 1291]).repeat(BATCH)
    wanted, sizes = torch.zeros(len(rows), VALUES - 1), torch.full((len(rows), 1), 5.0)
    for step in range(steps + 1):
        if step == 1:
            started = time.perf_counter()
        luma = torch.randn(BATCH, 1, HEIGHT, WIDTH)
        if channels_last:
            luma = luma.to(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        loss(net(luma), rows, wanted, sizes).backward()
        optimizer.step()
        with torch.no_grad():
            for kept, now in zip(average, net.parameters()):
                kept.lerp_(now, 0.001)
    return steps * BATCH / (time.perf_counter() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the example face_step")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other memory layout")
    args = parser.parse_args()
    torch.set_num_threads(2)
    rounds = []
    for number in range(args.rounds):
        rounds.append((ours(args.program, args.steps), theirs(args.steps, args.channels_last)))
        print(f"round {number + 1}: {rounds[-1][0]:.1f} here, {rounds[-1][1]:.1f} PyTorch, frames/s", flush=True)
    a, b = (statistics.median(column) for column in zip(*rounds))
    print(f"ratio of the medians: {a / b:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
