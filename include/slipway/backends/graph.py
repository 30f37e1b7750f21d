"""Write ONNX graphs: a small builder, and the part of a graph that is a tree ensemble.

Everything is computed in the precision in which the library computes it. scikit-learn rounds features to single
precision, compares them with double thresholds and adds doubles; a graph that does it all in single precision sends
rows near a threshold down the other branch. ``TreeEnsemble`` of ai.onnx.ml 5 takes and gives doubles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.backends.ensemble import CannotCompile, Ensemble, Link, constant, pack
from slipway.backends.folding import fold_comparison

OPSET = 21
ML_OPSET = 5
IR_VERSION = 10
_ML = "ai.onnx.ml"
_LEQ, _LT = 0, 1


class GraphBuilder:
    """Collects nodes and constants; each method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._count = 0

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add one node with one output."""
        from onnx import helper

        name = self._fresh(operator)
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, values: Any, dtype: Any = None) -> str:
        """Add a constant tensor."""
        from onnx import numpy_helper

        name = self._fresh("constant")
        self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """Convert to another numpy type."""
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _fresh(self, stem: str) -> str:
        self._count += 1
        return f"slipway_{stem}_{self._count}"


def model_of(builder: GraphBuilder, inputs: list[Any], output: str, kind: int) -> Any:
    """Return the finished ONNX model; its one output is of shape (rows,)."""
    from onnx import helper

    shaped = builder.add("Reshape", output, builder.constant([-1], np.int64))
    answers = helper.make_tensor_value_info(shaped, kind, [None])
    graph = helper.make_graph(builder.nodes, "slipway", inputs, [answers], initializer=builder.initializers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_ML, ML_OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="slipway")


def add_ensemble(builder: GraphBuilder, features: str, width: int, ensemble: Ensemble, *, guarded: bool) -> str:
    """Add the sums of an ensemble, of shape (rows, targets).

    Parameters
    ----------
    features : str
        A double tensor of shape (rows, width).
    guarded : bool
        Whether a missing or infinite feature can occur; where the library refuses such rows, they get NaN.
    """
    total = np.float32 if ensemble.single_sums else np.float64
    if ensemble.single_inputs and not (guarded or ensemble.single_sums):
        ensemble = fold_comparison(ensemble)
    elif ensemble.single_inputs:
        single = builder.cast(features, np.float32)
        features = single if ensemble.single_sums else builder.cast(single, np.float64)
    # The sums start with the base, as the library's do: the order of additions decides the last bits.
    base = [constant(value, target) for target, value in enumerate(ensemble.base) if value]
    packed = pack([*base, *ensemble.trees])
    sums = builder.add(
        "TreeEnsemble",
        features,
        domain=_ML,
        n_targets=ensemble.targets,
        aggregate_function=1,
        post_transform=0,
        tree_roots=packed.roots,
        nodes_featureids=packed.feature,
        nodes_modes=_tensor(np.full(len(packed.feature), _LT if ensemble.strict else _LEQ, np.uint8)),
        nodes_splits=_tensor(packed.threshold.astype(total)),
        nodes_missing_value_tracks_true=packed.missing_left,
        nodes_truenodeids=packed.child[0],
        nodes_trueleafs=packed.is_leaf[0],
        nodes_falsenodeids=packed.child[1],
        nodes_falseleafs=packed.is_leaf[1],
        leaf_targetids=packed.leaf_target,
        leaf_weights=_tensor(packed.leaf_value.astype(total)),
    )
    if not (guarded and ensemble.refuses_infinite):
        return sums
    return builder.add("Add", sums, _poison(builder, features, width, ensemble))


def _poison(builder: GraphBuilder, features: str, width: int, ensemble: Ensemble) -> str:
    """Add NaN for each row that the library refuses, and 0 for the others, of shape (rows, 1)."""
    dtype = np.float32 if ensemble.single_sums else np.float64
    if ensemble.refuses_missing:  # 0 * x is NaN where x is not finite
        return builder.add("MatMul", features, builder.constant(np.zeros((width, 1)), dtype))
    infinite = builder.cast(builder.add("IsInf", features), dtype)
    any_infinite = builder.add("ReduceMax", infinite, builder.constant([1], np.int64))
    none = builder.add("Sub", builder.constant(1.0, dtype), any_infinite)
    return builder.add("Div", builder.constant(0.0, dtype), none)  # 0 / 0 where one is infinite


def add_values(builder: GraphBuilder, sums: str, ensemble: Ensemble) -> str:
    """Add what becomes of the sums, of shape (rows, targets)."""
    dtype = np.float32 if ensemble.single_sums else np.float64
    match ensemble.link:
        case Link.MEAN:
            return sums if ensemble.factor == 1 else builder.add("Div", sums, builder.constant(ensemble.factor, dtype))
        case Link.EXP:
            return builder.add("Exp", sums)
        case Link.SOFTMAX:
            return builder.add("Softmax", sums, axis=1)
        case Link.LOGISTIC:
            # Not Sigmoid: it computes 1 - 1/(1 + exp(x)) below zero, which leaves few digits of a small probability.
            if ensemble.factor != -1:
                sums = builder.add("Mul", sums, builder.constant(-ensemble.factor, dtype))
            power = builder.add("Exp", sums)
            return builder.add("Reciprocal", builder.add("Add", power, builder.constant(1.0, dtype)))
        case _:
            return sums


def add_probability(builder: GraphBuilder, sums: str, ensemble: Ensemble, index: int) -> str:
    """Add one column of class probabilities, of shape (rows, 1)."""
    classes = 0 if ensemble.classes is None else len(ensemble.classes)
    if not 0 <= index < classes:
        raise CannotCompile(f"output.index is {index}, the model has {classes} classes")
    values = add_values(builder, sums, ensemble)
    if ensemble.targets > 1:
        return column(builder, values, index)
    if index == 1:
        return values
    one = builder.constant(1.0, np.float32 if ensemble.single_sums else np.float64)
    return builder.add("Sub", one, values)


def add_label(builder: GraphBuilder, sums: str, ensemble: Ensemble) -> str:
    """Add the predicted class, of shape (rows, 1): an int64 or a string."""
    if ensemble.classes is None:
        raise CannotCompile("it has no classes")
    if ensemble.targets > 1:
        position = builder.add("ArgMax", add_values(builder, sums, ensemble), axis=1, keepdims=1)
    else:
        zero = builder.constant(0.0, np.float32 if ensemble.single_sums else np.float64)
        above = builder.add("GreaterOrEqual" if ensemble.zero_wins else "Greater", sums, zero)
        position = builder.cast(above, np.int64)
    return builder.add("Gather", builder.constant(labels(ensemble.classes)), position)


def labels(classes: NDArray[Any]) -> NDArray[Any]:
    """Return class labels as a tensor can hold them; CannotCompile for others than numbers and strings."""
    if classes.dtype.kind in "iu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)
    if all(isinstance(label, str) for label in classes):
        return classes.astype(object)
    raise CannotCompile(f"its labels are of type {classes.dtype}")


def column(builder: GraphBuilder, values: str, index: int) -> str:
    """Add one column of a matrix, of shape (rows, 1)."""
    return builder.add("Gather", values, builder.constant([index], np.int64), axis=1)


def _tensor(values: NDArray[Any]) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(values)
