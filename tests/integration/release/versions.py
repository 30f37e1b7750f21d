"""Versions made wrong on purpose: real MLflow versions, each with one fault."""

import importlib.util
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

WRAPPER = """
import time
import mlflow
from mlflow.models import set_model


class Wrapped(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.inner = mlflow.sklearn.load_model(context.artifacts["inner"])

    def predict(self, context, model_input, params=None):
        {fault}
        return self.inner.{method}(model_input)


set_model(Wrapped())
"""
SLEEP = "time.sleep(0.4)"
CRASH = "if model_input.isna().any().any(): raise ValueError('a value is missing')"


class Trainer:
    """A model's own train.py, and what it makes."""

    def __init__(self, site, model):
        path = ROOT / "include" / "models" / model / "train.py"
        spec = importlib.util.spec_from_file_location(f"train_{model}", path)
        self.train = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.train)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        self.train.open_experiment(site.settings.tracking_uri, model)
        self.model = model
        self.params = dict(self.train.DEFAULTS)
        self.rows, self.holdout = self.train.split(self.train.load_frame())
        self.label = self.train.LABEL
        inputs = self.rows.drop(columns=self.label)
        self.pipeline = self.train.build_pipeline(self.params).fit(inputs, self.rows[self.label])
        self.inputs = inputs

    def broken_column(self, column):
        """The snapshot of a column is in another unit; the model is as it should be."""
        rows, holdout = (f.assign(**{column: f[column] * 1000}) for f in (self.rows, self.holdout))
        return self.train.log_version(self.pipeline, rows, holdout, registered_model=self.model, params=self.params)

    def swapped(self, first, second):
        """What is served sees two columns in each other's place; quality hardly shows it."""
        from sklearn.compose import ColumnTransformer
        from sklearn.pipeline import Pipeline

        order = [{first: second, second: first}.get(name, name) for name in self.inputs.columns]
        swap = ColumnTransformer([("swap", "passthrough", order)]).fit(self.inputs)
        served = Pipeline([("swap", swap), ("model", self.pipeline)])
        return self.train.log_version(
            served,
            self.rows,
            self.holdout,
            registered_model=self.model,
            params=self.params,
            reference=self.train.export_reference(self.pipeline),
        )

    def wrapped(self, fault):
        """The right model inside a pyfunc that does ``fault`` first."""
        import mlflow

        method = "predict_proba" if hasattr(self.pipeline, "predict_proba") else "predict"
        answers = getattr(self.pipeline, method)(self.inputs)
        with tempfile.TemporaryDirectory() as folder, mlflow.start_run():
            code = Path(folder) / "wrapped.py"
            code.write_text(WRAPPER.format(fault=fault, method=method))
            inner = str(Path(folder) / "inner")
            trusted = self.train._types_inside(self.pipeline)
            mlflow.sklearn.save_model(self.pipeline, inner, skops_trusted_types=trusted)
            self.train.log_snapshot(self.rows, self.holdout, self.train.export_reference(self.pipeline))
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(code),
                artifacts={"inner": inner},
                registered_model_name=self.model,
                signature=self.train.signature(self.inputs, answers),
                pip_requirements=[f"{p}=={self.train.installed(p)}" for p in self.train.SERVING_PACKAGES],
            )
        return int(info.registered_model_version)
