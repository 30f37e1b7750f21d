"""Real models of each library, compiled and compared as a build does: what is served never differs beyond tolerance.

100,000 rows each, on both sides of every split of the trees among them.
"""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from slipway.backends.flat import NODE
from slipway.backends.worker import DRAWN_ROWS, KNOWN_ROWS, THRESHOLD_ROWS, work
from slipway.core.signature import Column, DType, Output, Policy, Signature
from slipway.serving.qualify import qualify

pytestmark = pytest.mark.slow
ROWS = 100_000
FLAG = Policy.parse("flag")
NUMBERS = ("a", "b", "c", "d")
SIGNATURE = Signature(
    inputs=(
        *(Column(name=name, dtype=DType.FLOAT, min=-6, max=6) for name in NUMBERS[:3]),
        Column(name="d", dtype=DType.FLOAT, min=-6, max=6, nullable=True, on_missing=FLAG, on_out_of_range=FLAG),
        Column(name="age", dtype=DType.INT, min=0, max=100),
        Column(name="sex", dtype=DType.STRING, categories=("F", "M")),
    ),
    output=Output(name="p", index=1),
)
TYPES = ["sklearn.tree._tree.Tree", "numpy.dtype"]


def without(signature, *names, **output):
    kept = tuple(column for column in signature.inputs if column.name not in names)
    return Signature(inputs=kept, output=Output(name="p", **(output or {"index": 1})))


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    made = pd.DataFrame({name: rng.normal(size=600).clip(-6, 6) for name in NUMBERS})
    made["age"] = rng.integers(0, 101, 600)
    made["sex"] = rng.choice(["F", "M"], 600)
    return made.assign(
        y=(made.a + made.b * (made.sex == "M") + made.age / 50 + rng.normal(size=600) / 9 > 1).astype(int)
    )


@pytest.fixture
def judge(tmp_path, frame):
    """Save a model, compile it, make rows, compare: return the compiler's result and the evidence."""

    def judge(save, signature, *, rows=ROWS, gaps=False, spoil=None):
        names = list(signature.names)
        data = frame[[*names, "y"]].copy()
        if gaps:
            data.loc[data.index % 7 == 0, "d"] = np.nan
        save(data[names], data["y"], tmp_path / "model")
        data.to_parquet(tmp_path / "train.parquet")
        request = {
            "model": str(tmp_path / "model"),
            "snapshots": [str(tmp_path / "train.parquet")],
            "signature": signature.to_json(),
            "rows": rows,
            "kernels": str(tmp_path),
            "machine": platform.machine(),
        }
        (tmp_path / "request.json").write_text(json.dumps(request))
        result = work(tmp_path)
        if spoil is not None:
            spoil(tmp_path)
        asked = {
            "signature": signature.to_json(),
            "tolerance": {"absolute": 1e-9, "relative": 1e-6},
            "model": "model",
            "rows": [name for name in (THRESHOLD_ROWS, KNOWN_ROWS) if (tmp_path / name).is_file()],
            "more_rows": [DRAWN_ROWS],
            "compiled": {name: files[0] for name, files in result["compiled"].items()},
            "reasons": result["reasons"],
            "seconds": 300,
        }
        evidence = qualify(asked, tmp_path)
        return result, evidence, {one["name"]: one for one in evidence["candidates"]}

    return judge


def sklearn(make):
    def save(inputs, target, folder):
        import mlflow.sklearn
        from mlflow.models import infer_signature
        from skops.io import dumps, get_untrusted_types

        model = make().fit(inputs, target)
        mlflow.sklearn.save_model(
            model,
            folder,
            pyfunc_predict_fn="predict_proba",
            signature=infer_signature(inputs, model.predict_proba(inputs)),
            pip_requirements=[],
            skops_trusted_types=get_untrusted_types(data=dumps(model)),
        )

    return save


def prepared(final):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    split = [("n", numbers, [*NUMBERS, "age"]), ("s", OneHotEncoder(), ["sex"])]
    return make_pipeline(ColumnTransformer(split, sparse_threshold=0), final)


def linear():
    from sklearn.linear_model import LogisticRegression

    return prepared(LogisticRegression())


def boosting(trees, **options):
    from sklearn.ensemble import GradientBoostingClassifier

    return prepared(GradientBoostingClassifier(n_estimators=trees, **options))


def forest():
    from sklearn.ensemble import RandomForestClassifier

    return prepared(RandomForestClassifier(n_estimators=20, min_samples_leaf=5))


def lightgbm_in_a_pipeline():
    from lightgbm import LGBMClassifier

    return prepared(LGBMClassifier(n_estimators=50, verbose=-1))


def hist():
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=50)


def lightgbm_booster(inputs, target, folder):
    import lightgbm
    import mlflow.lightgbm
    from mlflow.models import infer_signature

    options = {"objective": "binary", "verbose": -1}
    booster = lightgbm.train(options, lightgbm.Dataset(inputs, target), 100)
    given = infer_signature(inputs, booster.predict(inputs))
    mlflow.lightgbm.save_model(booster, folder, signature=given, pip_requirements=[])


def xgboost_booster(inputs, target, folder):
    import mlflow.xgboost
    import xgboost
    from mlflow.models import infer_signature

    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4}, xgboost.DMatrix(inputs, target), 100)
    given = infer_signature(inputs, booster.predict(xgboost.DMatrix(inputs)))
    mlflow.xgboost.save_model(booster, folder, signature=given, pip_requirements=[], model_format="json")


PLAIN = without(SIGNATURE, "sex", "age")
ONE_VALUE = without(SIGNATURE, "sex", "age", index=None)
MODELS = {
    "linear": (sklearn(linear), SIGNATURE, True),
    "boosting_100_trees": (sklearn(lambda: boosting(100)), SIGNATURE, True),
    "boosting_1000_trees": (sklearn(lambda: boosting(1000, max_depth=2)), SIGNATURE, True),
    "forest": (sklearn(forest), SIGNATURE, True),
    "hist_gradient_boosting": (sklearn(hist), PLAIN, True),
    "lightgbm_in_a_pipeline": (sklearn(lightgbm_in_a_pipeline), SIGNATURE, True),
    "lightgbm": (lightgbm_booster, ONE_VALUE, True),
    "xgboost": (xgboost_booster, ONE_VALUE, True),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_served_answers_100_000_rows_as_the_native_model(judge, name):
    save, signature, gaps = MODELS[name]
    served = "onnx" if name == "linear" else "trees"
    result, evidence, by_name = judge(save, signature, gaps=gaps)
    assert result["reasons"] == ({"trees": "it is no tree ensemble"} if name == "linear" else {})
    assert evidence["chosen"] == served
    assert by_name[served]["rows"] >= 0.99 * ROWS
    for backend in result["compiled"]:
        assert by_name[backend]["outcome"] == "same"
        assert by_name[backend]["mismatches"] == 0
    coverage = result["coverage"]
    if coverage is not None:
        assert coverage["placed"] == coverage["splits"] > 0


def rounded(graph):
    from onnx import numpy_helper

    for attribute in graph_attributes(graph):
        if attribute.name == "nodes_splits":
            values = numpy_helper.to_array(attribute.t)
            attribute.t.CopyFrom(numpy_helper.from_array(values.astype(np.float32).astype(np.float64)))


def swapped(graph):
    for attribute in graph_attributes(graph):
        if attribute.name == "nodes_featureids":
            changed = [{0: 1, 1: 0}.get(place, place) for place in attribute.ints]
            attribute.ints[:] = changed


def gaps_go_left_as_zero_does(graph):
    splits = next(a for a in graph_attributes(graph) if a.name == "nodes_splits")
    from onnx import numpy_helper

    left = (numpy_helper.to_array(splits.t) >= 0).astype(int).tolist()
    next(a for a in graph_attributes(graph) if a.name == "nodes_missing_value_tracks_true").ints[:] = left


def graph_attributes(graph):
    return [attribute for node in graph.graph.node if node.op_type == "TreeEnsemble" for attribute in node.attribute]


def plain_boosting():
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=50)


COMPLETE = without(SIGNATURE, "sex", "age", "d")
GRAPHS = {
    "thresholds_rounded_to_single": (plain_boosting, COMPLETE, rounded, False),
    "two_features_swapped": (plain_boosting, COMPLETE, swapped, False),
    "missing_treated_as_zero": (hist, PLAIN, gaps_go_left_as_zero_does, True),
}


@pytest.mark.parametrize(("make", "signature", "change", "gaps"), GRAPHS.values(), ids=GRAPHS)
def test_a_graph_made_wrong_is_refused_with_the_row_that_shows_it(judge, make, signature, change, gaps):
    def spoil(folder):
        import onnx

        graph = onnx.load(str(folder / "onnx.onnx"))
        change(graph)
        onnx.save(graph, str(folder / "onnx.onnx"))

    _, evidence, by_name = judge(sklearn(make), signature, rows=20_000, gaps=gaps, spoil=spoil)
    shows_it(by_name["onnx"], signature)
    assert evidence["chosen"] == "trees"


def shows_it(refused, signature):
    assert refused["outcome"] == "refused"
    assert refused["mismatches"] > 0
    assert set(refused["row"]) == set(signature.names)
    assert abs(refused["native_answer"] - refused["answer"]) > 1e-3


def rounded_nodes(nodes):
    nodes["threshold"] = nodes["threshold"].astype(np.float32)


def swapped_nodes(nodes):
    first, second = nodes["feature"] == 0, nodes["feature"] == 1
    nodes["feature"][first], nodes["feature"][second] = 1, 0


def gaps_as_zero_nodes(nodes):
    nodes["missing_left"] = nodes["threshold"] >= 0


def a_branch_turned_round(nodes):
    nodes["left"][0], nodes["right"][0] = nodes["right"][0], nodes["left"][0]


TREES = {
    "thresholds_rounded_to_single": (plain_boosting, COMPLETE, rounded_nodes, False),
    "two_features_swapped": (plain_boosting, COMPLETE, swapped_nodes, False),
    "one_branch_turned_round": (plain_boosting, COMPLETE, a_branch_turned_round, False),
    "missing_treated_as_zero": (hist, PLAIN, gaps_as_zero_nodes, True),
}


@pytest.mark.parametrize(("make", "signature", "change", "gaps"), TREES.values(), ids=TREES)
def test_machine_code_made_wrong_is_refused_with_the_row_that_shows_it(judge, make, signature, change, gaps):
    def spoil(folder):
        arrays = dict(np.load(folder / "trees.npz"))
        nodes = arrays["nodes"].view(NODE)
        change(nodes)
        np.savez(folder / "trees.npz", **arrays | {"nodes": nodes.view(np.uint8)})

    _, evidence, by_name = judge(sklearn(make), signature, rows=20_000, gaps=gaps, spoil=spoil)
    shows_it(by_name["trees"], signature)
    assert evidence["chosen"] == "onnx"


def test_a_python_function_cannot_be_compiled_and_is_served_by_itself(judge):
    def save(inputs, target, folder):
        import mlflow.pyfunc
        from mlflow.models import infer_signature

        class Sum(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                return model_input["a"].to_numpy() * 2 + model_input["b"].to_numpy()

        given = infer_signature(inputs, np.zeros(3))
        mlflow.pyfunc.save_model(folder, python_model=Sum(), signature=given, pip_requirements=[])

    result, evidence, by_name = judge(save, without(SIGNATURE, "sex", "age", "d", index=None), rows=20_000)
    for name in ("onnx", "trees"):
        assert result["reasons"][name].startswith("no converter for models that mlflow.pyfunc.model loads")
        assert by_name[name]["outcome"] == "absent"
    assert evidence["chosen"] in ("unwrapped", "pyfunc")


@pytest.mark.parametrize(("backend", "needs"), [("onnx", ["onnxruntime"]), ("trees", [])])
def test_a_compiled_model_needs_neither_mlflow_nor_the_library_that_trained_it(judge, tmp_path, backend, needs):
    judge(sklearn(plain_boosting), COMPLETE, rows=5_000)
    (tmp_path / "signature.json").write_text(json.dumps(COMPLETE.to_json()))
    code = f"""
import json, sys
from pathlib import Path
import slipway.serving.app
from slipway.core.signature import Signature
from slipway.serving.predictor import compiled_in, load_predictor
folder = Path({str(tmp_path)!r})
signature = Signature.from_json(json.loads((folder / "signature.json").read_text()))
made = load_predictor(folder / "model", signature, backend={backend!r}, compiled=compiled_in(folder))
assert made.takes_matrix and made.seconds_per_call > 0
print(json.dumps([name for name in ("mlflow", "sklearn", "pandas", "scipy", "onnxruntime") if name in sys.modules]))
"""
    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=env)
    assert json.loads(done.stdout) == needs
    assert list(home.iterdir()) == []  # no identity of this machine, and nothing to send
