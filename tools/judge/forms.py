#!/usr/bin/env python3
"""A table of all forms of the badge's networks: size, quality, loss of quality, time in tract and in ONNX Runtime.

    pip install -r tools/judge/requirements.txt
    emocue bundle unpack default -o nets
    python3 tools/judge/forms.py --emocue target/release/emocue --classifier nets/classifier.onnx --detector nets \\
        --fer2013 fer2013.csv.gz --ferplus fer2013new.csv --pictures pictures/ --background background/

The script quantizes the float graphs; pass graphs as trained or imported, not quantized ones. Pictures in `--pictures`
contain faces, pictures in `--background` none. Times are the minimum of many runs on one thread.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime

FORMS = ("float", "w8", "int8")
NETS = ("pnet.onnx", "rnet.onnx", "onet.onnx")


def run(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def times(emocue: str, graph: pathlib.Path, shape: tuple[int, ...], low: float, high: float) -> tuple[float, float]:
    """Minimum time of one run in tract and in ONNX Runtime, ms."""
    inputs = np.random.default_rng(1).uniform(low, high, (8, *shape)).astype("<f4")
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.f32"), pathlib.Path(folder, "out.f32")
        source.write_bytes(inputs.tobytes())
        sizes = ",".join(map(str, shape))
        ours = float(run(emocue, "infer", graph, "--shape", sizes, "--input", source, "-o", target, "--time", 25))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    name, theirs = session.get_inputs()[0].name, float("inf")
    for row in [*inputs] * 25:
        start = time.perf_counter()
        session.run(None, {name: row})
        theirs = min(theirs, 1e3 * (time.perf_counter() - start))
    return ours, theirs


def classifier_lines(args: argparse.Namespace, folder: pathlib.Path) -> list[list[str]]:
    graphs = {"float": args.classifier}
    data = ["--fer2013", args.fer2013]
    for form in FORMS[1:]:
        graphs[form] = folder / f"classifier-{form}.onnx"
        run(args.emocue, "quantize", args.classifier, "--form", form, *data, "-o", graphs[form])
    models = [part for form in FORMS for part in ("--model", graphs[form])]
    votes = ["--ferplus", args.ferplus]
    judged = json.loads(run(args.emocue, "eval", *models, *data, *votes, "--split", args.split, "--json"))
    lines, first = [], {}
    for form, evaluation in zip(FORMS, judged["evaluations"]):
        [split] = evaluation["splits"]
        right = {result["protocol"]: result["all"]["accuracy"] for result in split["protocols"]}
        first = first or right
        names = ("ferplus.plurality", "label")
        told = ", ".join(f"{name} {right[name]:.2%}" for name in names)
        drop = ", ".join(f"{100 * (first[name] - right[name]):+.2f}" for name in names)
        side = 48
        ours, theirs = times(args.emocue, graphs[form], (1, 1, side, side), -2, 2)
        lines.append(["classifier", form, str(graphs[form].stat().st_size), told, drop, f"{ours:.2f}", f"{theirs:.2f}"])
    return lines


def detector_lines(args: argparse.Namespace, folder: pathlib.Path) -> list[list[str]]:
    folders = {"float": args.detector}
    for form in FORMS[1:]:
        folders[form] = folder / f"detector-{form}"
        run(args.emocue, "quantize", args.detector, "--form", form, "--data", args.pictures, "-o", folders[form])
    lines = []
    shapes = {"pnet.onnx": (1, 1, 96, 128), "rnet.onnx": (1, 1, 24, 24), "onet.onnx": (1, 1, 48, 48)}
    for form in FORMS:
        compare = [args.emocue, "boxes", folders[form], args.detector, "--json", "--limit", args.limit]
        faces = json.loads(run(*compare, "--pictures", args.pictures))
        alarms = json.loads(run(*compare, "--pictures", args.background))
        told = (
            f"IoU {faces['mean_iou']:.4f}, landmarks {faces['landmark_error']:.2%}, "
            f"{alarms['both'] + alarms['first_only']} false alarms in {alarms['pictures']}"
        )
        drop = f"{faces['second_only']} of {faces['both'] + faces['second_only']} lost, {faces['first_only']} new"
        size = sum((folders[form] / name).stat().st_size for name in NETS)
        each = [times(args.emocue, folders[form] / name, shapes[name], 0, 255) for name in NETS]
        ours, theirs = ("+".join(f"{pair[at]:.2f}" for pair in each) for at in (0, 1))
        lines.append(["detector", form, str(size), told, drop, ours, theirs])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("classifier", "detector", "fer2013", "ferplus", "pictures", "background"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--emocue", default="target/release/emocue", help="the host's binary")
    parser.add_argument("--split", default="public", help="private, once, for a network that is committed")
    parser.add_argument("--limit", type=int, default=200, help="pictures for the detector")
    args = parser.parse_args()
    head = ["model", "form", "bytes", "quality", "drop, points", "tract ms", "ONNX Runtime ms"]
    with tempfile.TemporaryDirectory() as folder:
        lines = [head, *classifier_lines(args, pathlib.Path(folder)), *detector_lines(args, pathlib.Path(folder))]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


if __name__ == "__main__":
    main()
