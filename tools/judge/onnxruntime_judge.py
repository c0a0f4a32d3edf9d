#!/usr/bin/env python3
"""Compares graphs in tract with ONNX Runtime as an independent reference.

    pip install -r tools/judge/requirements.txt
    emocue bundle unpack default -o nets
    python3 tools/judge/onnxruntime_judge.py --emocue target/release/emocue nets/*.onnx

`cargo run --release -p emocue-train --example zoo -- nets` writes every architecture that can be trained, and
`--example crops` the files for `--crops`: faces for graphs with the same input side. Other graphs get random inputs; a
symbolic axis becomes 1, a symbolic height or width `--side`.

Every graph must pass ONNX's checker. Float graphs must give the same values in both runtimes, within 1e-4 of the
largest value. For integer graphs the index of the largest output must be the same on 99.5 % of the inputs. The integer
engine does not round products that are followed by an addition or an activation. ONNX Runtime therefore also gets the
graph without these roundings, with the products in floats, and 99.9 % of the values must be within `--steps`
quantization steps of the output. Runtimes round ties differently, and the differences accumulate in deep untrained
networks: use `--steps 8` there; then the largest output is compared only where it leads by more than these steps. The
same applies to a detector's best cell.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

# Name prefixes of graphs with normalised pixels as input.
NORMALISED = ("classifier", "face")
FLOAT_BOUND, STEP_SHARE, TOP_SHARE = 1e-4, 0.999, 0.995


def normalise(crops: np.ndarray, model: onnx.ModelProto) -> np.ndarray:
    """Applies the preprocessing of the graph's metadata: constants, or each crop's mean and standard deviation."""
    entries = {entry.key: entry.value for entry in model.metadata_props}
    how = json.loads(entries.get("emocue.preprocess", "{}"))
    face = how.get("normalise", {}).get("face") if isinstance(how.get("normalise"), dict) else None
    if face is None:
        return (crops / 255 - how.get("mean", 0.5)) / how.get("std", 0.25)
    mean, deviation = crops.mean(1, keepdims=True), crops.std(1, keepdims=True)
    return ((crops - mean) / np.maximum(deviation, face["floor"]) * face["gain"]).astype("<f4")


def inputs_for(graph: pathlib.Path, model: onnx.ModelProto, shape: list[int], args: argparse.Namespace) -> np.ndarray:
    """Crops of this side if there are any, else random values; raw luma for MTCNN's networks, otherwise normalised."""
    normalised = graph.stem.startswith(NORMALISED)
    pixels = shape[1] * shape[2] * shape[3]
    for path in args.crops:
        if path.stem.endswith(f"-{shape[2]}") and shape[2] == shape[3] and shape[1] == 1:
            crops = np.fromfile(path, np.uint8).astype("<f4").reshape(-1, pixels)
            return (normalise(crops, model) if normalised else crops).reshape(-1, *shape)
    low, high = (-2.0, 2.0) if normalised else (0.0, 255.0)
    return np.random.default_rng(1).uniform(low, high, (args.rows, *shape)).astype("<f4")


def last_step(model: onnx.ModelProto, output: str) -> float | None:
    """The scale of the DequantizeLinear before `output`; None for a float output."""
    scales = {tensor.name: tensor for tensor in model.graph.initializer}
    writers = {name: node for node in model.graph.node for name in node.output}
    while output in writers:
        node = writers[output]
        if node.op_type == "DequantizeLinear":
            return float(numpy_helper.to_array(scales[node.input[1]]).max())
        output = node.input[0]
    return None


def without_passing_roundings(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, in which a product that is only read as floats is computed in floats from the same integers."""
    exact = onnx.ModelProto()
    exact.CopyFrom(model)
    graph = exact.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    nodes, replaced = [], set()
    for node in graph.node:
        after = readers.get(node.output[0], [])
        if not node.op_type.startswith("QLinear") or [n.op_type for n in after] != ["DequantizeLinear"]:
            if node.op_type != "DequantizeLinear" or node.input[0] not in replaced:
                nodes.append(node)
            continue
        x, x_scale, x_zero, w, w_scale = node.input[:5]
        is_conv = node.op_type == "QLinearConv"
        scale = constants[w_scale].reshape([-1, 1, 1, 1] if is_conv else [1, -1]).astype(np.float64)
        floats = [(f"{w} of {node.output[0]}", constants[w] * scale)]
        if len(node.input) > 8:
            unit = float(constants[x_scale].reshape(-1)[0]) * constants[w_scale].astype(np.float64)
            floats.append((f"{node.input[8]} as floats", constants[node.input[8]] * unit))
        for name, values in floats:
            graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        read = f"{x} for {node.output[0]}"
        nodes.append(onnx.helper.make_node("DequantizeLinear", [x, x_scale, x_zero], [read]))
        product = onnx.helper.make_node("Conv" if is_conv else "MatMul", [read] + [name for name, _ in floats],
                                        [after[0].output[0]])
        product.attribute.extend(node.attribute)
        nodes.append(product)
        replaced.add(node.output[0])
    del graph.node[:]
    graph.node.extend(nodes)
    return exact


def in_tract(emocue: str, graph: pathlib.Path, shape: list[int], inputs: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.f32"), pathlib.Path(folder, "out.f32")
        source.write_bytes(inputs.astype("<f4").tobytes())
        sizes = ",".join(map(str, shape))
        subprocess.run([emocue, "infer", graph, "--shape", sizes, "--input", source, "-o", target],
                       check=True, stdout=subprocess.DEVNULL)
        return np.frombuffer(target.read_bytes(), "<f4").reshape(len(inputs), -1)


def in_onnx_runtime(session: onnxruntime.InferenceSession, inputs: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Number of values of each output, and the concatenated outputs of each input."""
    name = session.get_inputs()[0].name
    outputs = [session.run(None, {name: row}) for row in inputs]
    sizes = [out.size for out in outputs[0]]
    return sizes, np.stack([np.concatenate([out.ravel() for out in outs]) for outs in outputs])


def judge(graph: pathlib.Path, args: argparse.Namespace) -> bool:
    model = onnx.load(graph)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    shape = [axis if isinstance(axis, int) else (1 if at == 0 else args.side) for at, axis in enumerate(entry.shape)]
    inputs = inputs_for(graph, model, shape, args)
    sizes, theirs = in_onnx_runtime(session, inputs)
    ours = in_tract(args.emocue, graph, shape, inputs)
    if ours.shape != theirs.shape:
        print(f"{graph.name}: DIFFERS, {ours.shape[1]} values in tract, {theirs.shape[1]} in ONNX Runtime")
        return False
    integers = any(node.op_type.startswith("QLinear") for node in model.graph.node)
    if integers:
        steps = [last_step(model, output.name) for output in model.graph.output]
        step = np.concatenate([np.full(size, step) for size, step in zip(sizes, steps)])
        exact = without_passing_roundings(model).SerializeToString()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # No warnings about unused constants of the products in floats.
        session = onnxruntime.InferenceSession(exact, options, providers=["CPUExecutionProvider"])
        _, unrounded = in_onnx_runtime(session, inputs)
        near = float((np.abs(ours - unrounded) <= 1.001 * args.steps * step).mean())
        # The first channel of a detector's map has the cells' scores; a neighbour's score is often nearly the same.
        out = session.get_outputs()[0].shape
        is_map = len(out) == 4
        count = sizes[0] // out[1] if is_map else sizes[0]
        first, second = ours[:, :count], theirs[:, :count]
        same = first.argmax(1) == second.argmax(1)
        if (args.steps > 2 or is_map) and count > 1:
            best = np.sort(second, 1)
            same = same[best[:, -1] - best[:, -2] > args.steps * step[0]]
        top = float(same.mean())
        agrees = near >= STEP_SHARE and top >= TOP_SHARE
        what = f"{near:.2%} within {args.steps} of the last steps, {top:.2%} the same largest of {len(same)}"
    else:
        worst = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        agrees = worst <= FLOAT_BOUND
        what = f"worst difference {worst:.1e} of the largest value"
    print(f"{graph.name}: {'agrees' if agrees else 'DIFFERS'}, {what}, {len(inputs)} inputs {shape}")
    return agrees


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--emocue", default="target/release/emocue", help="the host's binary")
    parser.add_argument("--rows", type=int, default=64, help="random inputs for each graph")
    parser.add_argument("--side", type=int, default=64, help="px, where a graph leaves its height or width open")
    parser.add_argument("--crops", action="append", default=[], type=pathlib.Path, help="NAME-SIDE.u8; again for another")
    parser.add_argument("--steps", type=int, default=1, help="of the last integers, that integer graphs may differ")
    parser.add_argument("graphs", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    return 0 if all([judge(graph, args) for graph in args.graphs]) else 1


if __name__ == "__main__":
    sys.exit(main())
