"""Convert what stands in front of the trees, or a whole model without trees, through skl2onnx, in doubles.

The graph's inputs are one double matrix of all columns but strings, in the signature's order, and after it one tensor
for each string column. A ColumnTransformer names its columns; they are renumbered to this order first.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway.backends.ensemble import CannotCompile
from slipway.backends.graph import IR_VERSION, OPSET

MATRIX = "matrix"


def renumbered(model: Any, fitted: Sequence[str], places: Sequence[str]) -> Any:
    """Return a copy of a trained model that takes columns in another order.

    Parameters
    ----------
    model : estimator
        A pipeline that starts with a ColumnTransformer, or is one.
    fitted, places : sequence of str
        The columns' names in the order that it was trained with, and in the order that it is to take.
    """
    copied = copy.deepcopy(model)
    first = first_step(copied)
    if type(first).__name__ != "ColumnTransformer":
        raise CannotCompile("string columns, or another order of columns, need a ColumnTransformer as the first step")
    first.transformers_ = [
        (name, inner, [places.index(one) for one in column_names(columns, fitted)])
        for name, inner, columns in first.transformers_
    ]
    return copied


def preferred_order(model: Any, fitted: Sequence[str], numbers: Sequence[str]) -> list[str]:
    """Return the order of the matrix's columns that suits a ColumnTransformer.

    skl2onnx hands on a whole matrix as it is, also where a transformer takes all its columns in another order.
    """
    first = first_step(model)
    if type(first).__name__ == "ColumnTransformer":
        for _, inner, columns in first.transformers_:
            names = column_names(columns, fitted) if inner != "drop" else []
            if sorted(names) == sorted(numbers):
                return names
    return list(numbers)


def column_names(columns: Any, fitted: Sequence[str]) -> list[str]:
    """Return the names of the columns that a ColumnTransformer hands to one of its parts."""
    if isinstance(columns, str):
        columns = [columns]
    if isinstance(columns, slice):
        columns = list(fitted)[columns] if not isinstance(columns.start, str) else _between(columns, fitted)
    listed = list(columns)
    if listed and all(isinstance(one, bool | np.bool_) for one in listed):
        listed = [name for name, wanted in zip(fitted, listed, strict=True) if wanted]
    return [one if isinstance(one, str) else fitted[one] for one in listed]


def _between(columns: slice, fitted: Sequence[str]) -> list[str]:
    names = list(fitted)
    return names[names.index(columns.start) : names.index(columns.stop) + 1]


def first_step(model: Any) -> Any:
    """Return what a row meets first in a pipeline of pipelines."""
    while type(model).__name__ == "Pipeline":
        model = model.steps[0][1]
    return model


def convert(model: Any, *, numbers: int, texts: int) -> Any:
    """Return skl2onnx's graph of a trained scikit-learn model, in doubles.

    A classifier's first output are its labels, the second its probabilities.

    Raises
    ------
    CannotCompile
        If there is no converter, or only one in single precision.
    """
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType

    inputs: list[Any] = [(MATRIX, DoubleTensorType([None, numbers]))] if numbers else []
    inputs += [(f"text_{k}", StringTensorType([None, 1])) for k in range(texts)]
    options = {"zipmap": False} if hasattr(model, "predict_proba") else None
    _own_imputer()
    try:
        made = to_onnx(
            model, initial_types=inputs, options=options, target_opset={"": OPSET, "ai.onnx.ml": 3}, model_optim=False
        )
    except CannotCompile:
        raise
    except Exception as error:
        raise CannotCompile(f"skl2onnx: {type(error).__name__}: {error}") from error
    made.ir_version = IR_VERSION
    return made


def _own_imputer() -> None:
    """Put a converter of our own for SimpleImputer: skl2onnx's knows single precision only."""
    from skl2onnx import update_registered_converter
    from skl2onnx.shape_calculators.imputer import calculate_sklearn_imputer_output_shapes
    from sklearn.impute import SimpleImputer

    update_registered_converter(
        SimpleImputer, "SlipwayImputer", calculate_sklearn_imputer_output_shapes, _convert_imputer, overwrite=True
    )


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    from onnx import TensorProto
    from skl2onnx.operator_converters.common import concatenate_variables

    imputer = operator.raw_operator
    values = np.asarray(imputer.statistics_)
    missing = imputer.missing_values
    if imputer.add_indicator or not isinstance(missing, float) or not np.isnan(missing):
        raise CannotCompile("SimpleImputer with an indicator, or for another missing value than NaN")
    if values.dtype.kind not in "fiu" or np.isnan(values).any():
        raise CannotCompile("SimpleImputer for strings, or with a column that was always missing")
    source = concatenate_variables(scope, operator.inputs, container)
    put, gap = scope.get_unique_variable_name("imputed"), scope.get_unique_variable_name("missing")
    container.add_initializer(put, TensorProto.DOUBLE, [len(values)], values.astype(np.float64).tolist())
    container.add_node("IsNaN", source, gap, name=scope.get_unique_operator_name("IsNaN"))
    target = operator.outputs[0].full_name
    container.add_node("Where", [gap, put, source], target, name=scope.get_unique_operator_name("Where"))
