"""A traced computation as an ONNX model: a rule for each ATen operation that the lab's graphs are made of.

torch.onnx.export would do it too: on a busy machine in 90 seconds where these rules took 3 to 20. No copy is made where a
product can turn its factors itself. Its length is that of the list, a few lines an operation.
"""

import operator
from collections.abc import Callable

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

OPSET = 18
TYPES = {
    torch.float32: TensorProto.FLOAT,
    torch.int64: TensorProto.INT64,
    torch.int32: TensorProto.INT32,
    torch.bool: TensorProto.BOOL,
    torch.uint8: TensorProto.UINT8,
}
# what torch itself can say in other operations, and the rules need not know
DECOMPOSED = get_decompositions([torch.ops.aten.nll_loss_forward, torch.ops.aten.nll_loss_backward])
RULES: dict[str, Callable] = {}


def model(function: Callable, inputs: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """The ONNX model of function(inputs) -> {name: tensor}, for inputs of these shapes.

    Inputs on which nothing depends are left out. Raises NotImplementedError for operations without a rule.
    """
    names, outputs = list(inputs), []

    def flat(*values):
        found = function(dict(zip(names, values, strict=True)))
        outputs[:] = found
        return tuple(found.values())

    traced = make_fx(flat, decomposition_table=DECOMPOSED)(*inputs.values())
    traced.graph.eliminate_dead_code()
    return Writer(traced, inputs).written(outputs)


class Writer:
    """Walks a traced graph; every value is a name, or a tensor where it depends on no input."""

    def __init__(self, traced: torch.fx.GraphModule, inputs: dict[str, torch.Tensor]):
        self.traced, self.inputs = traced, inputs
        self.nodes, self.kept, self.known = [], [], {}
        self.values: dict[torch.fx.Node, object] = {}

    def written(self, outputs: list[str]) -> onnx.ModelProto:
        """The whole model, its outputs named."""
        places = iter(self.inputs)
        given = []
        for node in self.traced.graph.nodes:
            if node.op == "placeholder":
                name = next(places)
                self.values[node] = name
                if node.users:
                    given.append(self.about(name, self.inputs[name]))
            elif node.op == "get_attr":
                self.values[node] = getattr(self.traced, node.target)
            elif node.op == "call_function":
                self.values[node] = self.apply(node)
            else:
                made = [self.named(one) for one in node.args[0]]
                shapes = [one.meta["val"] for one in node.args[0]]
        for name, value in zip(outputs, made, strict=True):
            self.nodes.append(helper.make_node("Identity", [value], [name]))
        told = [self.about(name, shape) for name, shape in zip(outputs, shapes, strict=True)]
        graph = helper.make_graph(self.nodes, "lab", given, told, self.kept)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)

    @staticmethod
    def about(name: str, value: torch.Tensor):
        return helper.make_tensor_value_info(name, TYPES[value.dtype], list(value.shape))

    def apply(self, node: torch.fx.Node):
        """The value of a call."""
        if node.target is operator.getitem:
            return self.values[node.args[0]][node.args[1]]
        arguments = torch.fx.node.map_arg((node.args, node.kwargs), self.values.__getitem__)
        name = str(node.target).removeprefix("aten.").partition(".")[0]
        moving = any(isinstance(self.values[one], str | tuple) for one in node.all_input_nodes)
        if not moving and name not in ("expand", "repeat"):  # which would only be longer
            return node.target(*arguments[0], **arguments[1])
        rule = RULES.get(name) or RULES.get(name.removesuffix("_"))
        if rule is None:
            raise NotImplementedError(f"There is no rule for {node.target}.")
        return rule(self, node, *node.args, **node.kwargs)

    def op(self, kind: str, *inputs, **attributes) -> str:
        """Adds a node of one output. -> its name"""
        name = f"v{len(self.nodes)}"
        named = [self.named(one) for one in inputs]
        self.nodes.append(helper.make_node(kind, named, [name], **attributes))
        return name

    def named(self, value) -> str:
        """The name of a node, of a value, or of a constant, which is then kept in the model."""
        if isinstance(value, torch.fx.Node):
            value = self.values[value]
        if isinstance(value, str):
            return value
        if isinstance(value, int | float):
            value = torch.tensor(float(value))
        array = value.detach().contiguous().numpy() if isinstance(value, torch.Tensor) else np.array(value, np.int64)
        key = (array.tobytes(), array.shape, array.dtype.str)
        if key not in self.known:
            self.known[key] = f"c{len(self.known)}"
            self.kept.append(numpy_helper.from_array(array, self.known[key]))
        return self.known[key]

    def alike(self, a, b) -> tuple:
        """Two values in the type that holds both."""
        kinds = [one.meta["val"].dtype if isinstance(one, torch.fx.Node) else one.dtype for one in (a, b)]
        both = torch.promote_types(*kinds)
        pairs = zip((a, b), kinds, strict=True)
        return tuple(one if kind == both else self.op("Cast", one, to=TYPES[both]) for one, kind in pairs)

    def like(self, node: torch.fx.Node, value):
        """A number beside the values of a node, in their type."""
        if isinstance(value, int | float):
            return torch.tensor(value, dtype=node.meta["val"].dtype)
        return value


def rule(*names: str):
    """Registers a rule: (writer, node, arguments of the operation) -> value."""

    def keep(function):
        RULES.update(dict.fromkeys(names, function))
        return function

    return keep


def shape(node: torch.fx.Node) -> list[int]:
    """The shape of what a node gives."""
    return list(node.meta["val"].shape)


# ---- as they are -------------------------------------------------------------------------------------

SAME = {"exp": "Exp", "log": "Log", "sqrt": "Sqrt", "neg": "Neg", "abs": "Abs", "sin": "Sin", "cos": "Cos"}
SAME |= {"sign": "Sign", "sgn": "Sign", "reciprocal": "Reciprocal", "floor": "Floor", "round": "Round"}
SAME |= {"logical_not": "Not", "bitwise_not": "Not"}
PAIRS = {"mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min", "eq": "Equal", "gt": "Greater"}
PAIRS |= {"lt": "Less", "ge": "GreaterOrEqual", "le": "LessOrEqual", "bitwise_and": "And", "logical_and": "And"}
for _name, _kind in SAME.items():
    RULES[_name] = lambda w, node, a, kind=_kind: w.op(kind, a)
for _name, _kind in PAIRS.items():
    RULES[_name] = lambda w, node, a, b, kind=_kind: w.op(kind, *w.alike(a, w.like(a, b)))


@rule("ne")
def _ne(w, node, a, b):
    return w.op("Not", w.op("Equal", *w.alike(a, w.like(a, b))))


@rule("clone", "detach", "alias", "lift_fresh_copy")
def _same(w, node, a, **_):
    return w.named(a)


@rule("add")
def _add(w, node, a, b, alpha=1):
    b = w.like(node, b)
    return w.op("Add", a, b if alpha == 1 else w.op("Mul", b, alpha))


@rule("sub")
def _sub(w, node, a, b, alpha=1):
    b = w.like(node, b)
    return w.op("Sub", a, b if alpha == 1 else w.op("Mul", b, alpha))


@rule("rsub")
def _rsub(w, node, a, b, alpha=1):
    return w.op("Sub", w.like(node, b), a if alpha == 1 else w.op("Mul", a, alpha))


@rule("pow")
def _pow(w, node, a, b):
    return w.op("Mul", a, a) if b == 2 else w.op("Pow", a, b)


@rule("_to_copy")
def _cast(w, node, a, dtype=None, **_):
    return w.named(a) if dtype in (None, a.meta["val"].dtype) else w.op("Cast", a, to=TYPES[dtype])


@rule("clamp_min")
def _clamp_min(w, node, a, low):
    return w.op("Max", a, low)


@rule("clamp")
def _clamp(w, node, a, low=None, high=None):
    a = a if low is None else w.op("Max", a, low)
    return w.named(a) if high is None else w.op("Min", a, high)


@rule("where")
def _where(w, node, condition, a, b):
    return w.op("Where", condition, w.like(node, a), w.like(node, b))


@rule("full_like", "ones_like", "zeros_like", "new_zeros", "new_ones", "new_full", "new_empty", "empty_like")
def _filled(w, node, a, *more, **_):
    name = str(node.target)
    value = 1.0 if "ones" in name else more[-1] if "full" in name else 0.0
    return torch.full(shape(node), value, dtype=node.meta["val"].dtype)


@rule("scalar_tensor")
def _number(w, node, value, **_):
    return torch.tensor(value, dtype=node.meta["val"].dtype)


# ---- products ----------------------------------------------------------------------------------------


def turned(w: Writer, value) -> tuple[object, int]:
    """A factor, and whether it is to be transposed: Gemm does it by itself."""
    transposes = ("aten.t.default", "aten.transpose.int", "aten.permute.default")
    if isinstance(value, torch.fx.Node) and str(value.target) in transposes and len(shape(value)) == 2:
        return value.args[0], 1
    return value, 0


@rule("mm")
def _mm(w, node, a, b):
    (a, left), (b, right) = turned(w, a), turned(w, b)
    return w.op("Gemm", a, b, transA=left, transB=right) if left or right else w.op("MatMul", a, b)


@rule("addmm")
def _addmm(w, node, bias, a, b):
    (a, left), (b, right) = turned(w, a), turned(w, b)
    return w.op("Gemm", a, b, bias, transA=left, transB=right)


# ---- shapes ------------------------------------------------------------------------------------------


@rule("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten", "view_copy")
def _shaped(w, node, a, *_):
    return w.named(a) if shape(a) == shape(node) else w.op("Reshape", a, shape(node))


@rule("t", "transpose", "permute")
def _turned(w, node, a, *places):
    order = list(range(len(shape(a))))
    if len(places) == 1:
        order = list(places[0])
    elif len(order) == 2 and shape(a) != [1, 1]:
        order = order[::-1]
    else:
        one, other = (place % len(order) for place in places)
        order[one], order[other] = other, one
    return w.op("Transpose", a, perm=order)


@rule("expand")
def _expand(w, node, a, *_, **__):
    return w.named(a) if shape(a) == shape(node) else w.op("Expand", a, shape(node))


@rule("repeat")
def _repeat(w, node, a, times):
    return w.op("Tile", a, list(times))


@rule("cat")
def _cat(w, node, parts, dim=0):
    parts = [part for part in parts if 0 not in shape(part)]
    return w.op("Concat", *parts, axis=dim) if len(parts) > 1 else w.named(parts[0])


@rule("stack")
def _stack(w, node, parts, dim=0):
    dim = dim % len(shape(node))
    one = [*shape(node)[:dim], 1, *shape(node)[dim + 1 :]]
    return w.op("Concat", *(w.op("Reshape", part, one) for part in parts), axis=dim)


@rule("slice")
def _slice(w, node, a, dim=0, start=None, end=None, step=1):
    if shape(a) == shape(node):
        return w.named(a)
    end = 2**62 if end is None else end
    return w.op("Slice", a, [start or 0], [end], [dim], [step])


@rule("select")
def _select(w, node, a, dim, index):
    dim = dim % len(shape(a))
    part = w.op("Slice", a, [index], [index + 1 or 2**62], [dim])
    return w.op("Reshape", part, shape(node))


@rule("split_with_sizes", "split", "unbind")
def _split(w, node, a, sizes=0, dim=0):
    parts = [one.shape for one in node.meta["val"]]
    if "unbind" in str(node.target):
        dim = sizes
    whole = shape(a)
    lengths = [1 if "unbind" in str(node.target) else part[dim] for part in parts]
    names = [f"v{len(w.nodes)}_{k}" for k in range(len(parts))]
    w.nodes.append(helper.make_node("Split", [w.named(a), w.named(lengths)], names, axis=dim % len(whole)))
    if "unbind" in str(node.target):
        names = [w.op("Reshape", name, list(part)) for name, part in zip(names, parts, strict=True)]
    return tuple(names)


def padded(w: Writer, value, whole: list[int], dim: int, start: int, length: int) -> str:
    """A slice's gradient: zeros around it."""
    before, after = [0] * len(whole), [0] * len(whole)
    dim = dim % len(whole)
    before[dim], after[dim] = start, whole[dim] - start - length
    return w.op("Pad", value, before + after) if any(before + after) else w.named(value)


@rule("slice_backward")
def _slice_backward(w, node, grad, sizes, dim, start, end, step):
    return padded(w, grad, sizes, dim, start, shape(grad)[dim])


@rule("select_backward")
def _select_backward(w, node, grad, sizes, dim, index):
    dim = dim % len(sizes)
    one = w.op("Reshape", grad, [*sizes[:dim], 1, *sizes[dim + 1 :]])
    return padded(w, one, sizes, dim, index % sizes[dim], 1)


@rule("constant_pad_nd")
def _pad(w, node, a, pads, value=0.0):
    rank = len(shape(a))
    before, after = [0] * rank, [0] * rank
    for k in range(len(pads) // 2):
        before[rank - 1 - k], after[rank - 1 - k] = pads[2 * k], pads[2 * k + 1]
    return w.op("Pad", a, before + after, float(value))


@rule("gather")
def _gather(w, node, a, dim, index, **_):
    return w.op("GatherElements", a, index, axis=dim)


@rule("scatter_add")
def _scatter_add(w, node, a, dim, index, source):
    return w.op("ScatterElements", a, index, source, axis=dim, reduction="add")


@rule("scatter")
def _scatter(w, node, a, dim, index, source):
    if isinstance(source, int | float):
        source = torch.full(shape(index), source, dtype=a.meta["val"].dtype)
    return w.op("ScatterElements", a, index, source, axis=dim)


# ---- over many ---------------------------------------------------------------------------------------


def _reduced(kind: str):
    def reduce(w, node, a, dims=None, keepdim=False, **_):
        dims = [dims] if isinstance(dims, int) else dims
        if a.meta["val"].dtype != node.meta["val"].dtype:  # a count
            a = w.op("Cast", a, to=TYPES[node.meta["val"].dtype])
        if not dims:
            return w.op(kind, a, keepdims=0)
        return w.op(kind, a, list(dims), keepdims=int(keepdim))

    return reduce


for _name, _kind in {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax", "amin": "ReduceMin"}.items():
    RULES[_name] = _reduced(_kind)


@rule("logsumexp")
def _logsumexp(w, node, a, dims, keepdim=False):
    return w.op("ReduceLogSumExp", a, list(dims), keepdims=int(keepdim))


@rule("_log_softmax")
def _log_softmax(w, node, a, dim, half):
    return w.op("LogSoftmax", a, axis=dim)


@rule("_softmax")
def _softmax(w, node, a, dim, half):
    return w.op("Softmax", a, axis=dim)


@rule("_log_softmax_backward_data")
def _log_softmax_backward(w, node, grad, output, dim, dtype):
    total = w.op("ReduceSum", grad, [dim], keepdims=1)
    return w.op("Sub", grad, w.op("Mul", w.op("Exp", output), total))


@rule("leaky_relu")
def _leaky(w, node, a, slope=0.01):
    return w.op("LeakyRelu", a, alpha=slope)


@rule("leaky_relu_backward")
def _leaky_backward(w, node, grad, a, slope, result):
    steep = w.op("Where", w.op("Greater", a, 0.0), 1.0, slope)
    return w.op("Mul", grad, steep)


# ---- Adam's ------------------------------------------------------------------------------------------


@rule("lerp")
def _lerp(w, node, a, b, weight):
    return w.op("Add", a, w.op("Mul", w.op("Sub", b, a), weight))


@rule("addcmul")
def _addcmul(w, node, a, b, c, value=1):
    return w.op("Add", a, w.op("Mul", w.op("Mul", b, c), value))


@rule("addcdiv")
def _addcdiv(w, node, a, b, c, value=1):
    found = w.op("Div", b, c)
    return w.op("Add", a, found if value == 1 else w.op("Mul", found, value))
