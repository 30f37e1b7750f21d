"""Other estimators behind the same preparation, with what the models' references need to follow them.

A reference walks trees over prepared inputs and adds their leaves up. So it follows every estimator that is a sum of
trees: forests, histogram boosting, and a scorecard, that is a logistic regression on binned inputs, whose steps are
chains of comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.gates.context import Context

Make = Callable[[Context], int]
Export = Callable[[Any], tuple[float, list[dict[str, Any]]]]
"""Takes the fitted estimator (the pipeline's last steps); returns the base score and the trees."""


def estimator(*steps: Callable[[], Any], export: Export) -> Make:
    """Return a maker of a version with other last steps than the folder's own boosting."""

    def make(context: Context) -> int:
        from sklearn.pipeline import Pipeline

        right = context.honest
        own = right.module.build_pipeline(right.module.DEFAULTS)
        last = [(f"step{i}", build()) for i, build in enumerate(steps)]
        rows = right.train
        pipeline = Pipeline([*own.steps[:-1], *last]).fit(rows.drop(columns=right.label), rows[right.label])
        base, trees = export([pipeline[name] for name, _ in last])
        shell = right.module.export_reference(right.fit(n_estimators=1))
        reference = {**shell, "base_score": base, "learning_rate": 1.0, "trees": trees}
        return context.register(pipeline, reference=reference)

    return make


def forest(steps: Sequence[Any]) -> tuple[float, list[dict[str, Any]]]:
    """Export a forest of regression trees: the mean of them."""
    members = steps[-1].estimators_
    return 0.0, [_tree(member.tree_, share=1.0 / len(members)) for member in members]


def histogram(steps: Sequence[Any]) -> tuple[float, list[dict[str, Any]]]:
    """Export a histogram boosting: its trees compare in float64 what it was given, so a cast to float32 goes before."""
    boost = steps[-1]
    trees = [_histogram_tree(stage[0].nodes) for stage in boost._predictors]
    return float(boost._baseline_prediction.ravel()[0]), trees


def scorecard(steps: Sequence[Any]) -> tuple[float, list[dict[str, Any]]]:
    """Export a logistic regression on one-hot bins: a chain of comparisons for each input."""
    _, bins, logistic = steps
    trees, at = [], 0
    for feature, edges in enumerate(bins.bin_edges_):
        points = logistic.coef_[0][at : at + len(edges) - 1].tolist()
        trees.append(_chain(feature, edges[1:-1].tolist(), points))
        at += len(points)
    return float(logistic.intercept_[0]), trees


def to_float32() -> Any:
    """Return the step that casts what was prepared, as the references do before they compare."""
    import numpy as np
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(np.asarray, kw_args={"dtype": "float32"}, feature_names_out="one-to-one")


def _tree(tree: Any, *, share: float) -> dict[str, Any]:
    return {
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": (tree.value[:, 0, 0] * share).tolist(),
    }


def _histogram_tree(nodes: Any) -> dict[str, Any]:
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "feature": [int(i) for i in nodes["feature_idx"]],
        "threshold": [float(t) for t in nodes["num_threshold"]],
        "left": [-1 if end else int(i) for end, i in zip(leaf, nodes["left"], strict=True)],
        "right": [-1 if end else int(i) for end, i in zip(leaf, nodes["right"], strict=True)],
        "value": [float(v) for v in nodes["value"]],
    }


def _chain(feature: int, edges: Sequence[float], points: Sequence[float]) -> dict[str, Any]:
    """Return a tree for one binned input: below the first edge the first points, else on to the next edge."""
    import math

    size = 2 * len(edges) + 1
    tree: dict[str, Any] = {key: [-1] * size for key in ("feature", "left", "right")}
    tree |= {"threshold": [0.0] * size, "value": [0.0] * size}
    for i, edge in enumerate(edges):
        inner, below = 2 * i, 2 * i + 1
        tree["feature"][inner] = feature
        tree["threshold"][inner] = math.nextafter(edge, -math.inf)  # a bin begins at its edge, a tree's left ends there
        tree["left"][inner], tree["right"][inner] = below, inner + 2
        tree["value"][below] = points[i]
    tree["value"][-1] = points[-1]
    return tree
