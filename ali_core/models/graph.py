"""A checkpoint's encoder and decoder as ONNX graphs, for whoever has no PyTorch: a browser.

Kept in a cache under the digest of the weights, so that changed weights have graphs of their own. `found` and `about`
need neither torch nor onnx.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ali_core.files import write_beside
from ali_core.problem import Problem

from . import checkpoint

FORM = 1  # of the graphs: a later program's are others
NETS, ABOUT = ("encoder", "decoder"), "graphs.json"
CLOSE, STEP = 1e-4, 1 / 255  # how far a graph may be from PyTorch; a picture of 16-bit weights from one of 32
TRIED = 5  # examples of the verification
SMALL = 256  # numbers of a weight from which 16 bits save something
MISSING = "An export needs {}; install it: pip install onnx onnxscript onnxruntime"


def cache() -> Path:
    """Where graphs are kept: $ALI_CACHE, or .cache/ali-explorer at home."""
    return Path(os.environ.get("ALI_CACHE") or Path.home() / ".cache" / "ali-explorer") / "graphs"


def place(weights: str) -> Path:
    """The folder of the graphs of weights with this digest."""
    return cache() / f"{weights[:32]}-{FORM}"


def about(folder: str | Path) -> dict | None:
    """What is said of a checkpoint's kept graphs, once they have been verified; None where there are none.

    -> form, weights (digest), and of each net its bytes, sha256, half (16-bit weights), off (largest difference from PyTorch, of numbers over 1 in their size).
    """
    return _about(place(checkpoint.card(folder)["weights"]["sha256"]), checkpoint.card(folder)["weights"]["sha256"])


def _about(home: Path, weights: str) -> dict | None:
    try:
        said = json.loads((home / ABOUT).read_bytes())
        whole = all(
            hashlib.sha256((home / f"{net}.onnx").read_bytes()).hexdigest() == said[net]["sha256"] for net in NETS
        )
    except (OSError, ValueError, KeyError, TypeError):  # none, or damaged: they are made anew
        return None
    return said if whole and said.get("form") == FORM and said.get("weights") == weights else None


def make(folder: str | Path, home: Path | None = None, told: Callable[[float, str], None] = lambda *_: None) -> dict:
    """Exports and verifies both networks and writes them into `home`, by default the cache. -> what `about` says

    Pictures go in and come out as (n, h, w, c), brightness 0 to 1; codes as (n, d), the encoder's as `mean` and `sd`;
    what a conditional model is told as `y`, one-hot (n, k). `told` hears the share that is done, and what is done.
    Raises Problem for a checkpoint without codes, for a missing package, and where a graph is not what PyTorch says.
    """
    from .model import Model  # torch is imported here

    onnx, _ = _package("onnx"), _package("onnxscript")
    model = Model.load(folder)
    if model.domains or len(model.shape) != 3:
        what = "translates pictures" if model.domains else "makes points"
        raise Problem(f"{model.name} {what}; graphs are of models that have codes of pictures.")
    weights = model.card["weights"]["sha256"]
    home = home or place(weights)
    made, files = {"form": FORM, "weights": weights}, {}
    inputs = _examples(model)
    for i, net in enumerate(NETS):
        told(0.1 + 0.4 * i, f"{model.name}: its {net} becomes a graph")
        graph = _export(model, net, inputs[net])
        for key, value in {"weights": weights, "net": net, "checkpoint": model.name, "form": str(FORM)}.items():
            graph.metadata_props.add(key=key, value=value)
        files[net] = {False: graph.SerializeToString(), True: _halved(onnx, graph).SerializeToString()}
        made[net] = {"off": _verified(model, net, files[net][False], inputs[net])}
    told(0.9, f"{model.name}: 16-bit weights are compared")
    for net in NETS:
        half = _alike(files, net, inputs)
        content = files[net][half]
        made[net] |= {"half": half, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        write_beside(home / f"{net}.onnx", content)
    write_beside(home / ABOUT, (json.dumps(made, indent=1) + "\n").encode())
    told(1.0, f"{model.name}: its graphs are kept")
    return made


def _package(name: str):
    try:
        return __import__(name)
    except ImportError:
        raise Problem(MISSING.format(name)) from None


def _examples(model) -> dict[str, list[np.ndarray]]:
    """Random inputs of each network: codes of the prior, and pictures, half of them the decoder's own."""
    z = model.prior(2 * TRIED, 0)
    y = [np.eye(k, dtype=np.float32)[np.arange(2 * TRIED) % k] for k in model.class_counts]
    told = [np.concatenate(y, 1)] if y else []
    labels = np.stack([np.arange(2 * TRIED) % k for k in model.class_counts], 1) if y else None
    x = model.decode(z, labels)
    x[::2] = np.random.default_rng(1).random(x[::2].shape, np.float32)
    return {"encoder": [x, *told], "decoder": [z, *told]}


def _export(model, net: str, inputs: list[np.ndarray]):
    """A network as an ONNX model that takes any number of examples."""
    import torch

    from ali_core.family.samples import posterior

    inner = model.nets[net].to("cpu", memory_format=torch.contiguous_format)

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = inner

        def forward(self, given, y=None):
            told = () if y is None else (y,)
            if net == "decoder":
                return self.net(given, *told).permute(0, 2, 3, 1)
            mean, log_sigma = posterior(self.net(given.permute(0, 3, 1, 2), *told), model.latent)
            return mean, torch.zeros_like(mean) if log_sigma is None else log_sigma.exp()

    outputs = {"encoder": ["mean", "sd"], "decoder": ["x"]}[net]
    names = ["x" if net == "encoder" else "z", "y"][: len(inputs)]
    examples = tuple(torch.from_numpy(array) for array in inputs)
    some = torch.export.Dim("n", min=1, max=4096)
    shapes = tuple({0: some} for _ in inputs)
    with torch.no_grad(), contextlib.redirect_stdout(None), _quiet():
        program = torch.onnx.export(
            Whole().eval(),
            examples,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=names,
            output_names=outputs,
            verbose=False,
        )
    return program.model_proto


@contextlib.contextmanager
def _quiet():
    """Without the exporter's warnings, which are meant for those who write networks."""
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _halved(onnx, graph):
    """The same with its large weights kept in 16 bits; they are widened when the graph is loaded."""
    half = onnx.ModelProto()
    half.CopyFrom(graph)
    casts = []
    for weight in half.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or np.prod(weight.dims, dtype=int) < SMALL:
            continue
        name, wide = weight.name, onnx.numpy_helper.to_array(weight)
        if np.abs(wide).max() > np.finfo(np.float16).max:
            continue
        weight.CopyFrom(onnx.numpy_helper.from_array(wide.astype(np.float16), f"{name} in 16 bits"))
        casts.append(onnx.helper.make_node("Cast", [weight.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    return half


def run(content: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """What a graph answers, by ONNX Runtime, on one thread."""
    runtime = _package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def _verified(model, net: str, content: bytes, inputs: list[np.ndarray]) -> float:
    """The largest difference between a graph and PyTorch; raises Problem where it is more than CLOSE."""
    off = 0.0
    labels = _labels(model, inputs[1]) if model.conditional else None
    for n in (len(inputs[0]), 1):  # any number of examples
        given = None if labels is None else labels[:n]
        asked = inputs[0][:n]
        says = model.posterior(asked, given) if net == "encoder" else [model.decode(asked, given)]
        for ours, theirs in zip(says, run(content, [array[:n] for array in inputs]), strict=True):
            # a width of the posterior may be large, and is rounded like all of its size
            off = max(off, float((np.abs(ours - theirs) / np.maximum(1, np.abs(ours))).max()))
    if not off <= CLOSE:
        raise Problem(f"The {net} of {model.name} as a graph is {off:.2g} off what PyTorch says; it is not kept.")
    return off


def _labels(model, hot: np.ndarray) -> np.ndarray:
    """One-hot y (n, k) as classes (n, factors)."""
    parts = np.split(hot, np.cumsum(model.class_counts)[:-1], axis=1)
    return np.stack([part.argmax(1) for part in parts], 1)


def _alike(files: dict, net: str, inputs: dict[str, list[np.ndarray]]) -> bool:
    """Whether pictures stay the same, to 1/255, when this network's weights are kept in 16 bits."""
    decoder, told = files["decoder"], inputs["decoder"][1:]
    if net == "decoder":
        pair = [run(decoder[half], inputs["decoder"])[0] for half in (False, True)]
    else:
        codes = [run(files["encoder"][half], inputs["encoder"])[0] for half in (False, True)]
        pair = [run(decoder[False], [z, *told])[0] for z in codes]
    return float(np.abs(pair[0] - pair[1]).max()) <= STEP
