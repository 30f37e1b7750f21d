"""Read trained tree ensembles: scikit-learn's, LightGBM's, XGBoost's. Imports none of them.

Each reader follows what the library's own prediction does: which precision features and sums have, where a missing
value goes, what the sums start with, what becomes of them. Anything else is refused by name, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from slipway.backends.ensemble import CannotCompile, Ensemble, Link, Tree


def read_ensemble(model: Any) -> Ensemble | None:
    """Return the ensemble in a trained model; None if it is no tree ensemble that is known here.

    Raises
    ------
    CannotCompile
        If it is one, but does something at prediction that has no place in the graph.
    """
    for kind in type(model).__mro__:
        reader = _READERS.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}")
        if reader is not None:
            return reader(model)
    return None


def _sklearn_tree(tree: Any, values: Any, target: int) -> Tree:
    missing = getattr(tree, "missing_go_to_left", None)
    return Tree(
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        feature=np.maximum(tree.feature, 0).astype(np.int64),
        threshold=tree.threshold.astype(np.float64),
        missing_left=np.zeros(tree.node_count, np.bool_) if missing is None else missing.astype(np.bool_),
        value=np.asarray(values, dtype=np.float64),
        target=target,
    )


def _gradient_boosting(model: Any) -> Ensemble:
    if not (model.init_ == "zero" or type(model.init_).__module__ == "sklearn.dummy"):
        raise CannotCompile(f"its first guess is a {type(model.init_).__name__}")
    trees = [
        _sklearn_tree(one.tree_, one.tree_.value[:, 0, 0] * model.learning_rate, target)
        for stage in model.estimators_
        for target, one in enumerate(stage)
    ]
    base = model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0].astype(np.float64)
    classes = getattr(model, "classes_", None)
    link, factor = Link.IDENTITY, 1.0
    if classes is not None:
        link = Link.LOGISTIC if len(base) == 1 else Link.SOFTMAX
        factor = 2.0 if type(model._loss).__name__ == "ExponentialLoss" else 1.0
    return Ensemble(
        trees=tuple(trees),
        base=base,
        link=link,
        factor=factor,
        classes=classes,
        single_inputs=True,
        refuses_missing=True,
        refuses_infinite=True,
        zero_wins=True,
    )


def _forest(model: Any) -> Ensemble:
    return _averaged(model, model.estimators_)


def _single_tree(model: Any) -> Ensemble:
    return _averaged(model, [model])


def _averaged(model: Any, members: Any) -> Ensemble:
    if model.n_outputs_ != 1:
        raise CannotCompile(f"it has {model.n_outputs_} outputs")
    classes = getattr(model, "classes_", None)
    targets = 1 if classes is None else len(classes)
    trees = [
        _sklearn_tree(member.tree_, member.tree_.value[:, 0, target], target)
        for member in members
        for target in range(targets)
    ]
    return Ensemble(
        trees=tuple(trees),
        base=np.zeros(targets),
        link=Link.MEAN,
        factor=float(len(members)),
        classes=classes,
        single_inputs=True,
        refuses_missing=not members[0].__sklearn_tags__().input_tags.allow_nan,
        refuses_infinite=True,
    )


def _hist_gradient_boosting(model: Any) -> Ensemble:
    if model._preprocessor is not None or (model.is_categorical_ is not None and np.any(model.is_categorical_)):
        raise CannotCompile("it splits on categories")
    links = {"IdentityLink": Link.IDENTITY, "LogLink": Link.EXP, "LogitLink": Link.LOGISTIC}
    links["MultinomialLogit"] = Link.SOFTMAX
    name = type(model._loss.link).__name__
    if name not in links:
        raise CannotCompile(f"its link is {name}")
    trees = []
    for stage in model._predictors:
        for target, one in enumerate(stage):
            nodes = one.nodes
            leaf = nodes["is_leaf"].astype(np.bool_)
            trees.append(
                Tree(
                    left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
                    right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
                    feature=nodes["feature_idx"].astype(np.int64),
                    threshold=nodes["num_threshold"].astype(np.float64),
                    missing_left=nodes["missing_go_to_left"].astype(np.bool_),
                    value=nodes["value"].astype(np.float64),
                    target=target,
                )
            )
    return Ensemble(
        trees=tuple(trees),
        base=np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1),
        link=links[name],
        classes=getattr(model, "classes_", None),
    )


def _lightgbm_estimator(model: Any) -> Ensemble:
    found = _lightgbm(model.booster_)
    classes = getattr(model, "classes_", None)
    return _labelled(found, classes)


def _lightgbm(booster: Any) -> Ensemble:
    dump = booster.dump_model()
    objective, _, rest = str(dump.get("objective", "")).partition(" ")
    options = dict(part.partition(":")[::2] for part in rest.split())
    if dump.get("average_output"):
        raise CannotCompile("LightGBM averages its trees")
    if any(dump.get("pandas_categorical") or ()):
        raise CannotCompile("LightGBM reads categories of a DataFrame")
    if "sqrt" in rest.split() or objective not in _LIGHTGBM_LINKS:
        raise CannotCompile(f"LightGBM's objective is {dump.get('objective')!r}")
    targets = int(dump["num_tree_per_iteration"])
    trees = [_lightgbm_tree(one["tree_structure"], k % targets) for k, one in enumerate(dump["tree_info"])]
    link = _LIGHTGBM_LINKS[objective]
    factor = float(options.get("sigmoid", 1.0))
    return Ensemble(trees=tuple(trees), base=np.zeros(targets), link=link, factor=factor)


_LIGHTGBM_ZERO = float(np.float32(1e-35))
_LIGHTGBM_LINKS = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank"), Link.IDENTITY),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), Link.EXP),
    **dict.fromkeys(("binary", "cross_entropy"), Link.LOGISTIC),
    "multiclass": Link.SOFTMAX,
}


def _lightgbm_tree(root: dict[str, Any], target: int) -> Tree:
    """Flatten the nested dump, parents before children."""
    flat: list[dict[str, Any]] = [root]
    children: list[tuple[int, int]] = []
    for node in flat:  # grows while it is read
        if "split_feature" not in node:
            children.append((-1, -1))
            continue
        children.append((len(flat), len(flat) + 1))
        flat += [node["left_child"], node["right_child"]]
    if any("leaf_coeff" in node for node in flat):
        raise CannotCompile("LightGBM has linear models in its leaves")
    left, right = np.array(children, dtype=np.int64).T
    return Tree(
        left=left,
        right=right,
        feature=np.array([node.get("split_feature", 0) for node in flat]),
        threshold=np.array([_lightgbm_threshold(float(node.get("threshold", 0.0))) for node in flat]),
        missing_left=np.array([_lightgbm_missing_left(node) for node in flat]),
        value=np.array([float(node.get("leaf_value", 0.0)) for node in flat]),
        target=target,
    )


def _lightgbm_threshold(threshold: float) -> float:
    """Return the threshold that holds for values as they are sent: LightGBM takes all within 1e-35 of zero for zero."""
    if 0.0 <= threshold <= _LIGHTGBM_ZERO:
        return _LIGHTGBM_ZERO
    return float(np.nextafter(-_LIGHTGBM_ZERO, -np.inf)) if -_LIGHTGBM_ZERO <= threshold < 0.0 else threshold


def _lightgbm_missing_left(node: dict[str, Any]) -> bool:
    if "split_feature" not in node:
        return False
    if node["decision_type"] != "<=":
        raise CannotCompile("LightGBM splits on categories")
    if node["missing_type"] == "Zero":
        raise CannotCompile("LightGBM takes zero for missing")
    # Where training has seen nothing missing, a missing value counts as 0.
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else float(node["threshold"]) >= 0.0


def _xgboost_estimator(model: Any) -> Ensemble:
    missing = getattr(model, "missing", None)
    if missing is not None and not np.isnan(missing):
        raise CannotCompile(f"XGBoost takes {missing} for missing")
    booster = model.get_booster()
    best = booster.attr("best_iteration")
    found = _xgboost(booster if best is None else booster[: int(best) + 1])
    return _labelled(found, getattr(model, "classes_", None))


def _xgboost(booster: Any) -> Ensemble:
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective, parameters = learner["objective"]["name"], learner["learner_model_param"]
    if learner["gradient_booster"]["name"] != "gbtree":
        raise CannotCompile(f"XGBoost's booster is {learner['gradient_booster']['name']}")
    if objective not in _XGBOOST_LINKS or int(parameters.get("num_target", 1)) > 1:
        raise CannotCompile(f"XGBoost's objective is {objective!r}")
    model = learner["gradient_booster"]["model"]
    targets = max(1, int(parameters["num_class"]))
    score = np.array(json.loads(parameters["base_score"]), dtype=np.float32).reshape(-1)
    link = _XGBOOST_LINKS[objective]
    margin = np.broadcast_to(_margin(score, link), (targets,)).astype(np.float64)
    trees = tuple(map(_xgboost_tree, model["trees"], model["tree_info"]))
    return Ensemble(
        trees=trees,
        base=margin,
        link=link,
        single_inputs=True,
        single_sums=True,
        strict=True,
        refuses_infinite=True,
    )


_XGBOOST_LINKS = {
    **dict.fromkeys(("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "rank:ndcg"), Link.IDENTITY),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), Link.EXP),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), Link.LOGISTIC),
    "multi:softprob": Link.SOFTMAX,
}


def _margin(score: Any, link: Link) -> Any:
    one = np.float32(1.0)
    if link is Link.LOGISTIC:
        return -np.log(one / score - one)
    return np.log(score) if link is Link.EXP else score


def _xgboost_tree(tree: dict[str, Any], target: int) -> Tree:
    if any(tree["split_type"]):
        raise CannotCompile("XGBoost splits on categories")
    left = np.array(tree["left_children"], dtype=np.int64)
    # Thresholds and leaf values share one list; it holds single-precision numbers.
    numbers = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    return Tree(
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        feature=np.where(left < 0, 0, np.array(tree["split_indices"], dtype=np.int64)),
        threshold=numbers,
        missing_left=np.array(tree["default_left"], dtype=np.bool_),
        value=numbers,
        target=int(target),
    )


def _labelled(found: Ensemble, classes: Any) -> Ensemble:
    return replace(found, classes=classes)


_READERS: dict[str, Callable[[Any], Ensemble]] = {
    "sklearn.BaseGradientBoosting": _gradient_boosting,
    "sklearn.BaseForest": _forest,
    "sklearn.BaseDecisionTree": _single_tree,
    "sklearn.BaseHistGradientBoosting": _hist_gradient_boosting,
    "lightgbm.LGBMModel": _lightgbm_estimator,
    "lightgbm.Booster": _lightgbm,
    "xgboost.XGBModel": _xgboost_estimator,
    "xgboost.Booster": _xgboost,
}
