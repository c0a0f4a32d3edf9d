#!/usr/bin/env python3
"""Compares the classifier's speed in the badge's session and in other runtimes: a table of speed-ups over tract f32.

`cargo xtask peers` makes an environment from requirements.txt and runs this. Everything runs on one thread of one core.
The forms run alternately, a few runs each; a form's minimum counts. All get the same input. Before that, every form
classifies several hundred crops, and its classes have to agree with those of the float graph.

The network is the float graph of the default bundle's classifier with its second head, as trained. `--classifier`
selects another one with a single 48x48 input. The crops come from the embedded portraits, and from FER2013 if
EMOCUE_DATA names its folder; half of them calibrate every int8 form.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import tomllib

import numpy as np

from forms import SHAPE, Form, all_forms

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE = "tract-f32"
# Minimum share of crops with the same class as the float graph; a smaller share means a defective network.
AGREES = {"f32": 0.995, "int8": 0.95}
# An older instruction set that is also measured on a processor with a better one.
SLOWER_ISA = {"x86_64": "avx2", "AMD64": "avx2", "aarch64": "neon"}
FLAGS = ("avx", "amx", "fma", "vnni", "asimd", "sve", "i8mm")


def crops(built: pathlib.Path, folder: pathlib.Path, count: int) -> np.ndarray:
    """Luma of faces, [N,48,48]: `count` from the portraits, and `count` from FER2013 if present."""
    sources = sorted(map(str, ROOT.glob("models/run/pictures/*.jpg")))
    table = pathlib.Path(os.environ.get("EMOCUE_DATA", ""), "fer2013.csv.gz")
    if "EMOCUE_DATA" in os.environ and table.is_file():
        sources.append(str(table))
    target = folder / "crops.u8"
    subprocess.run([built / "examples" / "crops", target, str(SHAPE[-1]), str(count), *sources], check=True)
    return np.fromfile(target, np.uint8).reshape(-1, SHAPE[-2], SHAPE[-1])


def normalised(luma: np.ndarray) -> np.ndarray:
    """The classifier's preprocessing: [N,1,48,48], f32."""
    return ((luma.astype(np.float32) / 255 - 0.5) / 0.25).reshape(-1, *SHAPE)


def processor() -> dict:
    """The processor's name and its relevant instruction sets, from Linux."""
    fields = {}
    if pathlib.Path("/proc/cpuinfo").exists():
        lines = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = fields.get("flags", fields.get("Features", "")).split()
    known = sorted(flag for flag in flags if any(part in flag for part in FLAGS))
    return {"name": fields.get("model name", platform.processor()), "machine": platform.machine(), "sets": known}


def versions(built: pathlib.Path) -> dict:
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    emocue = subprocess.run([built / "emocue", "--version"], check=True, capture_output=True, text=True).stdout.split()
    found = {"emocue": emocue[-1], "tract": next(p["version"] for p in locked if p["name"] == "tract-onnx")}
    packages = ("onnxruntime", "ai-edge-litert", "litert-quantizer", "onnx", "numpy")
    return {**found, **{name: importlib.metadata.version(name) for name in packages}, "python": platform.python_version()}


def agreement(forms: list[Form], rows: np.ndarray) -> list[float]:
    """The share of rows on which each form gives the reference's class. Raises ValueError when one is too low."""
    tops = [form.outputs(rows).argmax(1) for form in forms]
    [reference] = [top for form, top in zip(forms, tops) if form.name == REFERENCE]
    shares = [float((top == reference).mean()) for top in tops]
    for form, share in zip(forms, shares):
        least = AGREES["f32" if form.name.endswith("f32") else "int8"]
        if share < least:
            raise ValueError(f"{form.name} finds the class of {REFERENCE} on {share:.1%} of {len(rows)} crops; "
                             f"expected {least:.1%} or more, so its time says nothing")
    return shares


def measure(forms: list[Form], rounds: int, runs: int) -> list[list[float]]:
    """Minimum time of each form in every round, s. The first round is a warm-up and does not count."""
    best: list[list[float]] = [[] for _ in forms]
    for turn in range(rounds + 1):
        for form, found in zip(forms, best):
            seconds = form.best(runs)
            if turn > 0:
                found.append(seconds)
    return best


def results(forms: list[Form], shares: list[float], best: list[list[float]]) -> list[dict]:
    """A line for each name; of two forms with the same name, the faster one."""
    [reference] = [min(found) for form, found in zip(forms, best) if form.name == REFERENCE]
    lines: dict[str, dict] = {}
    for form, share, found in zip(forms, shares, best):
        line = {"form": form.name, "what": form.note, "times_tract_f32": round(reference / min(found), 3),
                "best_us": round(1e6 * min(found), 2), "median_us": round(1e6 * statistics.median(found), 2),
                "same_class": round(share, 4)}
        if form.name not in lines or line["best_us"] < lines[form.name]["best_us"]:
            lines[form.name] = line
    return list(lines.values())


def table(lines: list[dict]) -> str:
    width = max(len(line["form"]) for line in lines)
    head = f"{'':{width}}  times tract f32   best us  median us  same class\n"
    return head + "\n".join(
        f"{line['form']:{width}}  {line['times_tract_f32']:15.2f} {line['best_us']:9.1f} {line['median_us']:10.1f}  "
        f"{line['same_class']:10.1%}  {line['what']}" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--built", type=pathlib.Path, default=ROOT / "target/release", help="where cargo built to")
    parser.add_argument("--classifier", type=pathlib.Path, help="a float ONNX graph, or one with 8-bit weights",
                        default=ROOT / "docs/training-records/badge-second-fer-7.onnx")
    parser.add_argument("--rounds", type=int, default=100, help="turns of every form")
    parser.add_argument("--runs", type=int, default=20, help="runs of a form in its turn")
    parser.add_argument("--crops", type=int, default=512, help="of the portraits; as many rows of FER2013")
    parser.add_argument("--out", type=pathlib.Path, help="write the figures as JSON to this file")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        luma = crops(args.built, folder, args.crops)
        calibration, others = luma[::2], luma[1::2]
        forms = all_forms(args.built, args.classifier, folder, calibration, normalised(calibration),
                          SLOWER_ISA.get(platform.machine()))
        shares = agreement(forms, normalised(others))
        lines = results(forms, shares, measure(forms, args.rounds, args.runs))
    report = {"processor": processor(), "versions": versions(args.built), "classifier": args.classifier.name,
              "rounds": args.rounds, "runs": args.runs, "crops": len(others), "forms": lines}
    print(f"{report['processor']['name']}: {' '.join(report['processor']['sets'])}")
    print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    print(f"one thread, {args.rounds} rounds of {args.runs} runs; classes compared on {len(others)} crops")
    print(table(lines))
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
