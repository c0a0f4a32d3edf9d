"""The compared forms of the classifier, each made from the same float graph with the runtime's own quantizer."""
import contextlib
import functools
import io
import logging
import os
import pathlib
import subprocess
import time

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from litert_quantizer import quantizer, recipe
from litert_quantizer.algorithm_manager import AlgorithmName
from litert_quantizer.qtyping import TFLOperationName
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from float_tflite import SIGNATURE, float_tflite

SHAPE = (1, 1, 48, 48)


class Form:
    """One form in one runtime: `outputs` for the check, `best` for the minimum time of several runs, s."""

    def __init__(self, name: str, note: str) -> None:
        self.name, self.note = name, note

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def run(self) -> None:
        """Runs once on the bound input."""
        raise NotImplementedError

    def best(self, runs: int) -> float:
        least = float("inf")
        for _ in range(runs):
            start = time.perf_counter()
            self.run()
            least = min(least, time.perf_counter() - start)
        return least


class Ours(Form):
    """A graph in the badge's own session, in a separate program that measures on request."""

    def __init__(self, name: str, note: str, built: pathlib.Path, graph: pathlib.Path, row: np.ndarray,
                 isa: str | None = None) -> None:
        super().__init__(name, note)
        self.built, self.graph = built, graph
        self.environment = dict(os.environ)
        self.environment.pop("EMOCUE_ISA", None)
        if isa:
            self.environment["EMOCUE_ISA"] = isa
        source = graph.with_name(f"{name}.f32")
        source.write_bytes(row.astype("<f4").tobytes())
        command = [built / "examples" / "timed", graph, self.sizes(), source]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=self.environment)

    @staticmethod
    def sizes() -> str:
        return ",".join(map(str, SHAPE))

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        source, target = self.graph.with_name(f"{self.name}.in"), self.graph.with_name(f"{self.name}.out")
        source.write_bytes(rows.astype("<f4").tobytes())
        command = [self.built / "emocue", "infer", self.graph, "--shape", self.sizes(), "--input", source, "-o", target]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=self.environment)
        return np.fromfile(target, "<f4").reshape(len(rows), -1)

    def best(self, runs: int) -> float:
        try:
            self.process.stdin.write(f"{runs}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: the program that times it ended with {self.process.wait()}")
        return float(line)


class OnnxRuntime(Form):
    def __init__(self, name: str, note: str, graph: pathlib.Path, row: np.ndarray) -> None:
        super().__init__(name, note)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self.entry = self.session.get_inputs()[0].name
        # Bound once, so that the measured time includes no creation of dictionaries and arrays.
        binding = self.session.io_binding()
        binding.bind_cpu_input(self.entry, row)
        binding.bind_output(self.session.get_outputs()[0].name, "cpu")
        self.run = functools.partial(self.session.run_with_iobinding, binding)

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        return np.concatenate([self.session.run(None, {self.entry: row})[0] for row in rows])


class LiteRt(Form):
    """LiteRT with XNNPACK, its default on CPUs."""

    def __init__(self, name: str, note: str, graph: pathlib.Path, row: np.ndarray) -> None:
        super().__init__(name, note)
        self.interpreter = Interpreter(str(graph), num_threads=1)
        self.interpreter.allocate_tensors()
        self.entry = self.interpreter.get_input_details()[0]["index"]
        self.exit = self.interpreter.get_output_details()[0]["index"]
        self.run = self.interpreter.invoke
        self.outputs(row[np.newaxis])

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        answers = []
        for row in rows:
            self.interpreter.set_tensor(self.entry, channels_last(row))
            self.interpreter.invoke()
            answers.append(self.interpreter.get_tensor(self.exit))
        return np.concatenate(answers)


def channels_last(row: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(row.transpose(0, 2, 3, 1))


def plain_float(source: pathlib.Path, target: pathlib.Path) -> onnx.ModelProto:
    """Writes the graph with 8-bit weights, if any, converted to floats."""
    model = onnx.load(source)
    [entry, *others] = model.graph.input
    sizes = [axis.dim_value for axis in entry.type.tensor_type.shape.dim]
    if others or sizes[1:] != list(SHAPE[1:]):
        raise ValueError(f"{source} has an input of {sizes}; expected one of {SHAPE}")
    if any(node.op_type.startswith("QLinear") or node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise ValueError(f"{source} computes in integers; expected a float graph or one with 8-bit weights")
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "DequantizeLinear"]:
        weights, scale, zero = (values[name].astype(np.float32) for name in node.input)
        scale, zero = (part.reshape(-1, *[1] * (weights.ndim - 1)) for part in (scale, zero))
        model.graph.initializer.append(numpy_helper.from_array((weights - zero) * scale, node.output[0]))
        model.graph.node.remove(node)
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name not in used]:
        model.graph.initializer.remove(tensor)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    return model


class Rows(CalibrationDataReader):
    def __init__(self, entry: str, rows: np.ndarray) -> None:
        self.feeds = iter([{entry: row} for row in rows])

    def get_next(self) -> dict | None:
        return next(self.feeds, None)


def onnxruntime_int8(source: pathlib.Path, target: pathlib.Path, rows: np.ndarray, kind: QuantFormat) -> None:
    """ONNX Runtime's static quantization: u8 activations, i8 weights with a scale per channel, its fastest variant."""
    logging.disable(logging.WARNING)
    entry = onnx.load(source).graph.input[0].name
    quantize_static(source, target, Rows(entry, rows), quant_format=kind, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    logging.disable(logging.NOTSET)


def litert_int8(source: pathlib.Path, target: pathlib.Path, entry: str, rows: np.ndarray) -> None:
    """Static int8 with LiteRT's quantizer; input and output stay float, as in all other forms."""
    result = quantizer.Quantizer(str(source))
    result.load_quantization_recipe(recipe.static_wi8_ai8())
    for end in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        result.update_quantization_recipe(".*", end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        ranges = result.calibrate({SIGNATURE: [{entry: channels_last(row)} for row in rows]})
        result.quantize(ranges).export_model(str(target), overwrite=True)


def our_int8(built: pathlib.Path, source: pathlib.Path, target: pathlib.Path, crops: np.ndarray) -> None:
    """`emocue quantize` with the same crops, written to a folder of pictures."""
    folder = target.with_name("crops") / "neutral"
    folder.mkdir(parents=True, exist_ok=True)
    side = SHAPE[-1]
    for at, crop in enumerate(crops):
        (folder / f"{at:04}.pgm").write_bytes(b"P5 %d %d 255\n" % (side, side) + crop.tobytes())
    command = [built / "emocue", "quantize", source, "--form", "int8", "--data", folder.parent,
               "--rows", str(len(crops)), "-o", target, "--overwrite"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def all_forms(built: pathlib.Path, classifier: pathlib.Path, folder: pathlib.Path, crops: np.ndarray,
              rows: np.ndarray, slower_isa: str | None) -> list[Form]:
    """Every form of `classifier`, calibrated on `crops` (luma) or `rows` (the same crops after preprocessing)."""
    files = {name: folder / name for name in (
        "float.onnx", "int8.onnx", "qdq.onnx", "qoperator.onnx", "float.tflite", "int8.tflite")}
    model = plain_float(classifier, files["float.onnx"])
    our_int8(built, files["float.onnx"], files["int8.onnx"], crops)
    onnxruntime_int8(files["float.onnx"], files["qdq.onnx"], rows, QuantFormat.QDQ)
    onnxruntime_int8(files["float.onnx"], files["qoperator.onnx"], rows, QuantFormat.QOperator)
    files["float.tflite"].write_bytes(float_tflite(model))
    litert_int8(files["float.tflite"], files["int8.tflite"], model.graph.input[0].name, rows)
    forms = [
        Ours("tract-f32", "the badge's session, floats", built, files["float.onnx"], rows[0]),
        Ours("int8", "the badge's session, `emocue quantize --form int8`", built, files["int8.onnx"], rows[0]),
        OnnxRuntime("onnxruntime-f32", "ONNX Runtime, floats", files["float.onnx"], rows[0]),
        OnnxRuntime("onnxruntime-int8", "ONNX Runtime, QDQ", files["qdq.onnx"], rows[0]),
        OnnxRuntime("onnxruntime-int8", "ONNX Runtime, QOperator", files["qoperator.onnx"], rows[0]),
        LiteRt("litert-f32", "LiteRT/XNNPACK, floats", files["float.tflite"], rows[0]),
        LiteRt("litert-int8", "LiteRT/XNNPACK, int8", files["int8.tflite"], rows[0]),
    ]
    if slower_isa:
        note = f"the same with EMOCUE_ISA={slower_isa}"
        forms.insert(2, Ours(f"int8-{slower_isa}", note, built, files["int8.onnx"], rows[0], slower_isa))
    return forms
