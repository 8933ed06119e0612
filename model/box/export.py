"""Writes the network as ONNX, with its weights in half precision: `worker/suggestion` runs it without torch."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from model.box.network import PLACE_STRIDE, PLACES, SIZE, BoxNetwork
from model.errors import ModelError

OPSET: Final = 13

LARGE: Final = 256
"""Weights of a tensor from which on half precision is worth a conversion when it is read."""


def write(network: BoxNetwork, path: Path, facts: Mapping[str, str | int | float]) -> None:
    """Write the network, and plain facts about it. Needs the package `onnx`; ModelError where it is missing."""
    try:
        import onnx  # noqa: PLC0415 — for training alone, and not installed with the service
    except ImportError as error:
        raise ModelError("Writing ONNX needs the package `onnx`: pip install onnx.") from error
    side = SIZE // PLACE_STRIDE
    inputs = (torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, PLACES, side, side))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the newer exporter needs another package, and OpenCV reads this one's
        torch.onnx.export(
            network.eval(),
            inputs,
            path,
            dynamo=False,
            input_names=["view", "places"],
            output_names=["logits"],
            opset_version=OPSET,
        )
    whole = onnx.load(path)
    _halve(onnx, whole.graph)
    for name, value in facts.items():
        whole.metadata_props.add(key=name, value=str(value))
    onnx.checker.check_model(whole)
    path.write_bytes(whole.SerializeToString())


def _halve(onnx: Any, graph: Any) -> None:
    """Store large weights in half precision, each with a node that makes it single again."""
    halves, casts = [], []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != "float32" or values.size < LARGE:
            halves.append(weight)
            continue
        name = f"{weight.name}.half"
        halves.append(onnx.numpy_helper.from_array(values.astype("float16"), name))
        casts.append(onnx.helper.make_node("Cast", [name], [weight.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(halves)
    graph.node.extend(nodes)
