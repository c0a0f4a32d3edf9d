"""Converts a float ONNX graph to a float .tflite with the same network, for LiteRT.

It supports the operators of the badge's classifiers; any other operator is an error. Tensors are in LiteRT's layout
(NHWC). A convolution whose padding is not TensorFlow's "same" gets a PAD before it, which XNNPACK fuses.
"""
import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

SIGNATURE = "classify"
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU = schema.ActivationFunctionType.RELU
OPTIONS = {
    "ADD": "AddOptions",
    "CONV_2D": "Conv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "PAD": "PadOptions",
}


class Network:
    """A .tflite under construction: tensors by index, operators in order of execution."""

    def __init__(self) -> None:
        self.graph, self.codes, self.buffers = schema.SubGraphT(), [], [schema.BufferT()]
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, name: str, shape: tuple[int, ...]) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), list(shape), schema.TensorType.FLOAT32
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, name: str, values: np.ndarray) -> int:
        number = self.tensor(name, values.shape)
        tensor, buffer = self.graph.tensors[number], schema.BufferT()
        if values.dtype == np.int32:
            tensor.type = schema.TensorType.INT32
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.buffer = len(self.buffers)
        self.buffers.append(buffer)
        return number

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self.graph.tensors[tensor].shape)

    def operator(self, kind: str, inputs: list[int], name: str, shape: tuple[int, ...], **options: int) -> int:
        """Appends an operator and returns the tensor that it writes."""
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = self.codes.index(code), inputs
        operator.outputs = [self.tensor(name, shape)]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, OPTIONS[kind])
        operator.builtinOptions = getattr(schema, OPTIONS[kind] + "T")()
        for option, value in options.items():
            setattr(operator.builtinOptions, option, value)
        self.graph.operators.append(operator)
        return operator.outputs[0]

    def finish(self, source: int, result: int) -> bytes:
        def named(tensor: int) -> schema.TensorMapT:
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = self.graph.tensors[tensor].name, tensor
            return entry

        def operator_code(code: int) -> schema.OperatorCodeT:
            entry = schema.OperatorCodeT()
            entry.builtinCode = entry.deprecatedBuiltinCode = code
            return entry

        self.graph.inputs, self.graph.outputs = [source], [result]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.inputs, signature.outputs = SIGNATURE, [named(source)], [named(result)]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [self.graph], self.buffers
        model.operatorCodes, model.signatureDefs = [operator_code(code) for code in self.codes], [signature]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def windows(size: int, before: int, after: int, kernel: int, stride: int) -> int:
    """Number of windows along one axis."""
    return (size + before + after - kernel) // stride + 1


def is_same(size: int, before: int, after: int, kernel: int, stride: int) -> bool:
    """Whether this padding equals TensorFlow's "same"."""
    count = -(-size // stride)
    total = max((count - 1) * stride + kernel - size, 0)
    return (before, after) == (total // 2, total - total // 2)


def convolution(net: Network, node: onnx.NodeProto, values: dict, source: int, name: str, relu: bool) -> int:
    found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if found.get("group", 1) != 1 or set(found.get("dilations", [1])) != {1}:
        raise ValueError(f"{node.name}: groups and dilations are unsupported")
    weights = np.ascontiguousarray(values[node.input[1]].transpose(0, 2, 3, 1))
    outputs, *kernel, _ = weights.shape
    strides, pads = found.get("strides", [1, 1]), found.get("pads", [0, 0, 0, 0])
    _, *sizes, channels = net.shape(source)
    axes = list(zip(sizes, pads[:2], pads[2:], kernel, strides))
    padding = SAME if all(is_same(*axis) for axis in axes) else VALID
    if padding == VALID and any(pads):
        border = np.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], np.int32)
        padded = (1, *(size + before + after for size, before, after, *_ in axes), channels)
        inputs = [source, net.constant(f"{name}.border", border)]
        source = net.operator("PAD", inputs, f"{name}.padded", padded)
    inputs = [source, *(net.constant(node.input[at], value) for at, value in ((1, weights), (2, values[node.input[2]])))]
    shape = (1, *(windows(*axis) for axis in axes), outputs)
    return net.operator("CONV_2D", inputs, name, shape, padding=padding, strideH=strides[0], strideW=strides[1],
                        fusedActivationFunction=RELU if relu else 0)


def pool(net: Network, node: onnx.NodeProto, source: int, name: str) -> int:
    found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    kernel, strides = found["kernel_shape"], found["strides"]
    if any(found.get("pads", [])) or found.get("ceil_mode"):
        raise ValueError(f"{node.name}: a pool with a border is unsupported")
    _, *sizes, channels = net.shape(source)
    shape = (1, *(windows(size, 0, 0, k, s) for size, k, s in zip(sizes, kernel, strides)), channels)
    return net.operator("MAX_POOL_2D", [source], name, shape, padding=VALID, filterHeight=kernel[0],
                        filterWidth=kernel[1], strideH=strides[0], strideW=strides[1])


def dense(net: Network, node: onnx.NodeProto, values: dict, source: int, name: str) -> int:
    found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if found.get("transB") != 1 or (found.get("alpha", 1.0), found.get("beta", 1.0)) != (1.0, 1.0):
        raise ValueError(f"{node.name}: unsupported attributes {found}")
    inputs = [source, *(net.constant(operand, values[operand]) for operand in node.input[1:])]
    return net.operator("FULLY_CONNECTED", inputs, name, (1, values[node.input[1]].shape[0]))


def float_tflite(model: onnx.ModelProto) -> bytes:
    """The same network as a .tflite with batch 1; its only signature is `SIGNATURE`."""
    net, values = Network(), {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    [entry] = model.graph.input
    _, channels, height, width = (axis.dim_value for axis in entry.type.tensor_type.shape.dim)
    at = {entry.name: net.tensor(entry.name, (1, height, width, channels))}
    for node in model.graph.node:
        [output] = node.output
        after = readers.get(output, [])
        # A Relu that is the only reader of a sum or convolution is fused.
        relu = node.op_type in ("Conv", "Add") and [reader.op_type for reader in after] == ["Relu"]
        name, source = after[0].output[0] if relu else output, at.get(node.input[0], -1)
        if node.op_type == "Conv":
            at[name] = convolution(net, node, values, source, name, relu)
        elif node.op_type == "Add":
            inputs = [at[operand] for operand in node.input]
            at[name] = net.operator("ADD", inputs, name, net.shape(source), fusedActivationFunction=RELU if relu else 0)
        elif node.op_type == "MaxPool":
            at[name] = pool(net, node, source, name)
        elif node.op_type == "GlobalAveragePool":
            axes = net.constant(f"{name}.axes", np.array([1, 2], np.int32))
            at[name] = net.operator("MEAN", [source, axes], name, (1, net.shape(source)[3]))
        elif node.op_type == "Gemm":
            at[name] = dense(net, node, values, source, name)
        elif node.op_type == "Flatten" and len(net.shape(source)) == 2:
            at[name] = source
        elif not (node.op_type == "Relu" and output in at):
            raise ValueError(f"{node.name}: {node.op_type} is unsupported here")
    return net.finish(at[entry.name], at[model.graph.output[0].name])
