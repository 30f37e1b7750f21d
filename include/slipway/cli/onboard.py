"""``new`` and ``train``: a model's folder, and its versions."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from slipway.cli.output import AsJson, out, print_json, working
from slipway.core.identity import parse_model_name
from slipway.errors import SpecError
from slipway.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(new)
    app.command()(train)


def new(
    name: Annotated[str, typer.Argument(help="The model's name: its folder, its DAGs, its route.")],
    source: Annotated[str, typer.Option("--from", help="A registered version, for instance models:/churn/1.")],
) -> None:
    """Onboard a model: write its folder, its data contract and its DAG file from a registered version."""
    from slipway.onboarding.new_model import new_model
    from slipway.registry.mlflow_registry import Registry

    found = re.fullmatch(r"models:/([^/]+)/(\d+)", source)
    if not found:
        raise SpecError(f"{source!r} is not a registered version", remedy="write models:/NAME/VERSION")
    parse_model_name(name)
    settings = Settings.load()
    registered, version = found.group(1), int(found.group(2))
    with working(f"reading {source}"):
        files = Registry(settings.tracking_uri, cache=settings.var / "versions").files(registered, version)
    for path in new_model(name, source=files, registered_model=registered, settings=settings):
        out.print(f"wrote {path.relative_to(settings.root)}")
    out.print(
        f"\nNext: write include/models/{name}/reference.py, look through model.yaml, then `slipway release {name}`."
    )


def train(
    model: str,
    seed: Annotated[int, typer.Option(help="Seed of the split and of the training.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run a model's train.py: it trains on the model's data and registers a new version."""
    from slipway.workflows.train import train as run_training

    with working(f"training {model}"):
        trained = run_training(Settings.load(), model, seed=seed)
    if as_json:
        print_json(trained)
    else:
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in trained["metrics"].items())
        out.print(f"registered {trained['model']} version {trained['version']}: {metrics}")
