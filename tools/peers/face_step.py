"""How fast the face detector trains beside PyTorch: the same network, batch, loss and update rule, on the same cores, in turns.

    cargo build --release --workspace --examples
    python3 tools/peers/face_step.py target/release/examples/face_step

Needs torch. Prints frames a second of both, round by round, and the ratio of their medians.
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


def layer(inputs, outputs, kernel, stride=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class FaceNet(nn.Module):
    """As host/train/src/face/net.rs has it, with the recipe's sizes."""

    def __init__(self, stem=16, fine=32, coarse=64):
        super().__init__()
        self.stem = layer(1, stem, 5, 2)
        self.down4 = layer(stem, fine, 3, 2)
        self.down8 = layer(fine, fine, 3, 2)
        self.down16 = layer(fine, coarse, 3, 2)
        self.first, self.second = layer(coarse, coarse, 3), layer(coarse, coarse, 3)
        self.down32 = layer(coarse, coarse, 3, 2)
        self.conv32 = layer(coarse, coarse, 3)
        self.lateral = layer(coarse, fine, 1)
        self.merge8 = layer(fine, fine, 3)
        self.heads = nn.ModuleList(nn.Conv2d(width, VALUES, 1) for width in (fine, coarse, coarse))

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(self.down4(x))
        fine = F.relu(self.down8(x))
        x = F.relu(self.down16(fine))
        coarse = F.relu(self.second(F.relu(self.first(x))) + x)
        top = F.relu(self.conv32(F.relu(self.down32(coarse))))
        around = F.interpolate(F.relu(self.lateral(coarse)), scale_factor=2)
        fine = F.relu(self.merge8(fine + around))
        maps = [head(x) for head, x in zip(self.heads, (fine, coarse, top))]
        return torch.cat([m.flatten(2) for m in maps], 2)


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
