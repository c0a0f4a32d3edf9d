#!/usr/bin/env python3
"""Compare graphs in tract with ONNX Runtime, an independent judge.

    pip install -r tools/judge/requirements.txt
    emocue bundle unpack default -o nets
    python3 tools/judge/onnxruntime_judge.py --emocue target/release/emocue nets/*.onnx

`cargo run --release -p emocue-host --example zoo -- nets` writes every architecture that can be trained.

Every graph passes ONNX's checker and gives the same values (within 1e-4 of the largest) in both
runtimes on random inputs. A symbolic axis becomes 1, a symbolic height or width 48.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--emocue", default="target/release/emocue", help="the host's binary")
    parser.add_argument("--rows", type=int, default=64, help="random inputs for each graph")
    parser.add_argument("graphs", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    failed = 0
    for graph in args.graphs:
        onnx.checker.check_model(onnx.load(graph), full_check=True)
        session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        shape = [axis if isinstance(axis, int) else (1 if at == 0 else 48) for at, axis in enumerate(entry.shape)]
        # Detectors take raw luma, the classifier normalised luma.
        low, high = (-2.0, 2.0) if graph.stem.startswith("classifier") else (0.0, 255.0)
        inputs = np.random.default_rng(1).uniform(low, high, (args.rows, *shape)).astype("<f4")
        judge = [session.run(None, {entry.name: row}) for row in inputs]
        judge = np.concatenate([np.concatenate([out.ravel() for out in outs]) for outs in judge])
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "in.f32"), pathlib.Path(folder, "out.f32")
            source.write_bytes(inputs.tobytes())
            subprocess.run(
                [args.emocue, "infer", graph, "--shape", ",".join(map(str, shape)), "--input", source, "-o", target],
                check=True,
            )
            ours = np.frombuffer(target.read_bytes(), "<f4")
        worst = float(np.abs(ours - judge).max() / np.abs(judge).max()) if ours.shape == judge.shape else float("inf")
        verdict = "agrees" if worst <= 1e-4 else "DIFFERS"
        failed += verdict != "agrees"
        print(f"{graph.name}: {verdict}, worst difference {worst:.1e} of the largest value, {args.rows} inputs {shape}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
