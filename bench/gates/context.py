"""What a case gets to work with: the model as it should be, and a registry to put its version into."""

from __future__ import annotations

import io
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from bench.gates.honest import Honest, honest

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

    from slipway.settings import Settings

WRAPPER = Template('''"""The right model, and one fault around it."""

import time

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import set_model


class Wrapped(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.inner = mlflow.sklearn.load_model(context.artifacts["inner"])
        $setup

    def predict(self, context, model_input, params=None):
        rows = model_input
        $before
        answers = np.asarray(self.inner.$method(rows))
        $after
        return answers


set_model(Wrapped())
''')


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Lines of Python that run around an otherwise right model.

    Attributes
    ----------
    setup : str
        Once, when the model is loaded; ``self`` is there to keep things in.
    before : str
        At each call, before the model is asked; ``rows`` is the DataFrame that it will see.
    after : str
        At each call, once ``answers`` (an array; a column for each class in a classification) is there.
    """

    setup: str = ""
    before: str = ""
    after: str = ""

    def source(self, method: str) -> str:
        """Return the module that MLflow stores as the model's code."""
        blocks = {"setup": self.setup, "before": self.before, "after": self.after}
        lines = {name: _indented(text) for name, text in blocks.items()}
        return WRAPPER.substitute(method=method, **lines)


@dataclass
class Context:
    """One case's workplace.

    Attributes
    ----------
    model : str
        The model folder; also the registered model's name.
    tracking_uri : str
    settings : Settings or None
        Of the stack that the release will run on; None where only versions are made.
    champion : int or None
        The version that serves while the case runs.
    undo : ExitStack
        What must be put back once the case is over, such as an alias.
    """

    model: str
    tracking_uri: str
    settings: Settings | None = None
    champion: int | None = None
    undo: ExitStack = field(default_factory=ExitStack)

    @property
    def honest(self) -> Honest:
        """The model as it should be."""
        return honest(self.model)

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client of the registry."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def register(
        self,
        pipeline: Any,
        *,
        train: pd.DataFrame | None = None,
        holdout: pd.DataFrame | None = None,
        reference: dict[str, Any] | None = None,
    ) -> int:
        """Register a scikit-learn pipeline as the model's own train.py does.

        Parameters
        ----------
        train, holdout : DataFrame, optional
            The snapshot; the honest one if left out.
        reference : dict, optional
            What ``reference.py`` reads; exported from ``pipeline`` if left out.
        """
        with self._registry_quiet():
            return self.honest.module.log_version(
                pipeline,
                self.honest.train if train is None else train,
                self.honest.holdout if holdout is None else holdout,
                registered_model=self.model,
                params=told_params(pipeline, self.honest.module.DEFAULTS),
                reference=reference,
            )

    def wrap(
        self,
        fault: Fault,
        *,
        pipeline: Any = None,
        reference: dict[str, Any] | None = None,
    ) -> int:
        """Register a pipeline (the honest one if left out) inside a pyfunc with a fault; the reference stays right."""
        import mlflow

        right, module = self.honest, self.honest.module
        inner = right.pipeline if pipeline is None else pipeline
        inputs = right.train.drop(columns=right.label)
        packages = [f"{name}=={module.installed(name)}" for name in module.SERVING_PACKAGES]
        with self._registry_quiet(), tempfile.TemporaryDirectory() as folder, mlflow.start_run():
            code, saved = Path(folder) / "wrapped.py", Path(folder) / "inner"
            code.write_text(fault.source(right.answers_with), encoding="utf-8")
            trusted = module._types_inside(inner)
            # without the requirements MLflow would find them out, in a process that imports everything
            mlflow.sklearn.save_model(inner, str(saved), skops_trusted_types=trusted, pip_requirements=packages)
            known = module.export_reference(right.pipeline) if reference is None else reference
            module.log_snapshot(right.train, right.holdout, known)
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(code),
                artifacts={"inner": str(saved)},
                registered_model_name=self.model,
                signature=module.signature(inputs, right.answers(inner, inputs)),
                pip_requirements=packages,
            )
        return int(info.registered_model_version)

    def alias(self, name: str) -> int | None:
        """Return the version that an alias points to."""
        found = self.client.get_registered_model(self.model).aliases.get(name)
        return None if found is None else int(found)

    @contextmanager
    def _registry_quiet(self) -> Iterator[None]:
        """Point MLflow at the registry and keep its chatter out of the benchmark's progress."""
        logger = logging.getLogger("mlflow")
        before = logger.level
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            self.honest.module.open_experiment(self.tracking_uri, self.model)
            logger.setLevel(logging.ERROR)
            try:
                yield
            finally:
                logger.setLevel(before)


def told_params(pipeline: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return, of the parameters that a train.py logs, those that the last step of a pipeline has, as they are."""
    last = pipeline
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    known = last.get_params()
    known["seed"] = known.get("random_state")
    return {name: known[name] for name in names if known.get(name) is not None}


def _indented(text: str) -> str:
    lines = text.strip("\n").splitlines() or ["pass"]
    return f"\n{' ' * 8}".join(lines)
