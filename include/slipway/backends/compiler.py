"""Make the graph of a trained model: what the signature's output needs, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.backends.ensemble import CannotCompile, Ensemble, Link, negated
from slipway.backends.graph import GraphBuilder, add_ensemble, add_label, add_probability, add_values, column, model_of
from slipway.backends.preparation import MATRIX, convert, first_step, preferred_order, renumbered
from slipway.backends.readers import read_ensemble
from slipway.backends.source import Source
from slipway.core.signature import Action, DType, Output, Signature

ONE_THREAD = "slipway.one_thread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A model taken apart: what prepares its features (None: nothing does), and its trees (None: it is none)."""

    preparation: Any | None
    ensemble: Ensemble | None


def take_apart(model: Any) -> Parts:
    """Return a model's trees, and the steps in front of them.

    Raises
    ------
    CannotCompile
        If its trees do something that has no place in a graph.
    """
    if type(model).__name__ != "Pipeline":
        return Parts(preparation=None, ensemble=read_ensemble(model))
    ensemble = read_ensemble(model.steps[-1][1])
    return Parts(preparation=model[:-1] if len(model.steps) > 1 else None, ensemble=ensemble)


def make_graph(source: Source, parts: Parts, signature: Signature) -> Any:
    """Return the ONNX model.

    Raises
    ------
    CannotCompile
        If a part has no converter, or the output is none that a graph can give.
    """
    if source.method not in ("predict", "predict_proba"):
        raise CannotCompile(f"no converter for {source.method}")
    if source.method == "predict_proba" and signature.output.index is None:
        raise CannotCompile("the signature names no column of the class probabilities")
    entry = _Entry(source, signature)
    if parts.ensemble is None:
        return _whole(source, signature, entry)
    return _with_trees(source, parts.ensemble, parts.preparation, signature, entry)


class _Entry:
    """How the signature's columns become what the model was trained on."""

    def __init__(self, source: Source, signature: Signature) -> None:
        texts = [c.name for c in signature.inputs if c.dtype is DType.STRING]
        self.numbers = [c.name for c in signature.inputs if c.dtype is not DType.STRING]
        self.texts = texts
        self.fitted = list(source.fitted)
        self.single = source.single
        # In which order the graph's matrix is handed on; a ColumnTransformer finds its columns in any.
        self.handed = list(self.numbers)

    def adapted(self, model: Any) -> Any:
        """Return the model for columns in the graph's order."""
        if self.texts or type(first_step(model)).__name__ == "ColumnTransformer":
            self.handed = preferred_order(model, self.fitted, self.numbers)
            return renumbered(model, self.fitted, [*self.handed, *self.texts])
        self.handed = self.fitted
        return model

    def inputs(self) -> list[Any]:
        """Return the graph's inputs."""
        from onnx import TensorProto, helper

        made = [helper.make_tensor_value_info("rows", TensorProto.DOUBLE, [None, len(self.numbers)])]
        made = made if self.numbers else []
        return made + [
            helper.make_tensor_value_info(f"text_{k}", TensorProto.STRING, [None, 1]) for k in range(len(self.texts))
        ]

    def matrix(self, builder: GraphBuilder) -> str:
        """Add what brings the numbers into the order and precision that they are handed on in; return its name."""
        name = "rows"
        if self.single:
            name = builder.cast(builder.cast(name, np.float32), np.float64)
        if self.handed != self.numbers:
            order = [self.numbers.index(one) for one in self.handed]
            name = builder.add("Gather", name, builder.constant(order, np.int64), axis=1)
        return name


def _with_trees(
    source: Source, ensemble: Ensemble, preparation: Any | None, signature: Signature, entry: _Entry
) -> Any:
    builder = GraphBuilder()
    if preparation is None:
        if entry.texts:
            raise CannotCompile("its trees split on strings")
        entry.handed = entry.fitted
        features, width = entry.matrix(builder), len(entry.fitted)
    else:
        features, width = _prepared(builder, preparation, entry)
    if ensemble.link is Link.LOGISTIC and not _labelled(ensemble, source):
        ensemble = negated(ensemble)  # exp(-sum) without a step that turns the sum round
    sums = add_ensemble(builder, features, width, ensemble, guarded=can_be_odd(signature))
    model = _finished(builder, sums, ensemble, source, signature, entry)
    if ensemble.single_sums:
        # Threads add in another order, and single precision shows it.
        note = model.metadata_props.add()
        note.key, note.value = ONE_THREAD, "its sums are in single precision"
    return model


def _finished(
    builder: GraphBuilder, sums: str, ensemble: Ensemble, source: Source, signature: Signature, entry: _Entry
) -> Any:
    output = signature.output
    if source.method == "predict_proba":
        answer = add_probability(builder, sums, ensemble, output.index or 0)
    elif ensemble.classes is not None:
        answer = add_label(builder, sums, ensemble)
    else:
        answer = add_values(builder, sums, ensemble)
        if output.index is not None and ensemble.targets > 1:
            answer = column(builder, answer, output.index)
        elif output.index is not None or ensemble.targets > 1:
            raise CannotCompile("its answers and the signature's output differ in shape")
    return _closed(builder, answer, output, labelled=_labelled(ensemble, source), entry=entry)


def _labelled(ensemble: Ensemble, source: Source) -> bool:
    return source.method == "predict" and ensemble.classes is not None


def _closed(builder: GraphBuilder, answer: str, output: Output, *, labelled: bool, entry: _Entry) -> Any:
    from onnx import TensorProto

    kinds = {DType.FLOAT: TensorProto.DOUBLE, DType.INT: TensorProto.INT64, DType.STRING: TensorProto.STRING}
    if output.dtype not in kinds or (output.dtype is DType.STRING and not labelled):
        raise CannotCompile(f"no converter for an output of type {output.dtype.value}")
    if output.dtype is DType.FLOAT:
        answer = builder.cast(answer, np.float64)
    elif output.dtype is DType.INT and not labelled:
        raise CannotCompile("a sum of leaves is no integer")
    return model_of(builder, entry.inputs(), answer, kinds[output.dtype])


def _prepared(builder: GraphBuilder, preparation: Any, entry: _Entry) -> tuple[str, int]:
    """Add the graph of the steps in front of the trees; return its output's name and width."""
    adapted = entry.adapted(preparation)
    made = convert(adapted, numbers=len(entry.numbers), texts=len(entry.texts))
    name = made.graph.output[0].name
    _merge(builder, made, entry)
    shape = made.graph.output[0].type.tensor_type.shape
    if not shape.dim[1].dim_value:
        raise CannotCompile("skl2onnx does not say how many features there are")
    return name, int(shape.dim[1].dim_value)


def _merge(builder: GraphBuilder, made: Any, entry: _Entry) -> None:
    if entry.numbers:
        source = entry.matrix(builder)
        builder.nodes.append(_identity(source))
    builder.nodes.extend(made.graph.node)
    builder.initializers.extend(made.graph.initializer)


def _identity(source: str) -> Any:
    from onnx import helper

    return helper.make_node("Identity", [source], [MATRIX], name="slipway_matrix")


def can_be_odd(signature: Signature) -> bool:
    """Tell whether a missing value, or one beyond single precision, can reach the model."""
    return any(
        Action.FLAG in (c.on_missing.action, c.on_out_of_range.action) or c.min is None or c.max is None
        for c in signature.inputs
        if c.dtype.is_numeric
    )


def _whole(source: Source, signature: Signature, entry: _Entry) -> Any:
    """Convert a model without trees; of a classifier's outputs keep the one that is asked for."""
    adapted = entry.adapted(source.model)
    made = convert(adapted, numbers=len(entry.numbers), texts=len(entry.texts))
    builder = GraphBuilder()
    _merge(builder, made, entry)
    classifies = hasattr(source.model, "classes_")
    outputs = [one.name for one in made.graph.output]
    if source.method == "predict_proba":
        answer = column(builder, outputs[1], signature.output.index or 0)
    elif signature.output.index is not None:
        raise CannotCompile("its answers and the signature's output differ in shape")
    else:
        answer = outputs[0]
    labelled = classifies and source.method == "predict"
    model = _closed(builder, answer, signature.output, labelled=labelled, entry=entry)
    versions = {one.domain: one.version for one in made.opset_import}
    for opset in model.opset_import:
        opset.version = versions.get(opset.domain, opset.version)
    return _pruned(model)


def _pruned(model: Any) -> Any:
    """Drop nodes whose outputs nobody reads."""
    needed = {one.name for one in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    used = [one for one in model.graph.initializer if one.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(used)
    return model
