"""Every DAG of the project: it parses, it is owned, it is wired as its plan says."""

import shutil
from pathlib import Path

import pytest
import yaml

from slipway.plan.fleet import plan_fleet
from slipway.plan.release import plan_release
from slipway.plan.tasks import Role, Step
from slipway.settings import Settings
from slipway.specs import load_model, model_names
from slipway_airflow.dags import model_dags
from tests.fakes.specs import declared

SETTINGS = Settings.load()
MODELS = model_names(SETTINGS)
ROOT = Path(__file__).resolve().parents[2]


def test_no_dag_file_fails_to_import(bag):
    assert not bag.import_errors


def test_every_model_has_its_dags(bag):
    of_models = {dag_id for dag_id in bag.dags if not dag_id.startswith("fleet.")}
    assert of_models == {f"{model}.{kind}" for model in MODELS for kind in kinds_of(model)}


def test_the_fleet_has_its_dags(bag):
    assert {dag_id for dag_id in bag.dags if dag_id.startswith("fleet.")} == {f"fleet.{p.kind}" for p in plan_fleet()}


@pytest.mark.parametrize("plan", plan_fleet(), ids=lambda plan: plan.kind)
def test_a_fleet_dag_is_as_planned_documented_and_runs_one_at_a_time(bag, plan):
    dag = bag.dags[f"fleet.{plan.kind}"]
    assert {task.task_id for task in dag.tasks} == {task.step.value for task in plan.tasks}
    assert dag.timetable.expression == plan.schedule
    assert {"slipway", "fleet", plan.kind} <= set(dag.tags)
    assert plan.doc in dag.doc_md
    assert (dag.max_active_runs, dag.catchup) == (1, False)


def test_retention_by_hand_is_a_dry_run_unless_the_form_says_otherwise(bag):
    assert bag.dags["fleet.retention"].params["apply"] is False


def kinds_of(model):
    """The kinds of DAG that a model's declaration asks for."""
    spec = load_model(SETTINGS, model)
    asked = {"score": spec.scoring, "monitor": spec.monitoring}
    return ["release", "rollback", *(kind for kind, declared in asked.items() if declared)]


def test_some_model_is_scored_and_watched():
    assert {"score", "monitor"} <= {kind for model in MODELS for kind in kinds_of(model)}


@pytest.mark.parametrize(("model", "kind"), [(model, kind) for model in MODELS for kind in kinds_of(model)])
def test_a_dag_is_owned_tagged_documented_and_runs_one_at_a_time(bag, model, kind):
    dag, spec = bag.dags[f"{model}.{kind}"], load_model(SETTINGS, model)
    assert {"slipway", kind, f"tier:{spec.risk_tier}"} <= set(dag.tags)
    assert {task.owner for task in dag.tasks} == {spec.owner.team}
    assert spec.owner.contact in dag.doc_md
    assert dag.max_active_runs == 1
    by_itself = kind == "release" and spec.release.on_new_version
    assert (dag.schedule is None) is (kind in ("release", "rollback") and not by_itself)
    assert not dag.catchup, "what was missed is filled by a backfill that somebody asks for"


@pytest.mark.parametrize("model", [model for model in MODELS if "score" in kinds_of(model)])
def test_scoring_has_a_task_for_each_partition_and_ends_also_without_any(bag, model):
    dag = bag.dags[f"{model}.score"]
    assert dag.get_task(Step.SCORE_PARTITION).is_mapped
    assert dag.get_task(Step.CHECK_SCORES).trigger_rule == "none_failed"
    assert dag.get_task(Step.CHECK_SCORES).upstream_task_ids == {Step.PLAN_PARTITIONS, Step.SCORE_PARTITION}


@pytest.mark.parametrize("model", MODELS)
def test_a_release_is_wired_as_planned(bag, model):
    dag = bag.dags[f"{model}.release"]
    for plan in plan_release(load_model(SETTINGS, model)):
        task = dag.get_task(plan.step.value)
        assert set(task.upstream_task_ids) >= {step.value for step in plan.after}
        assert task.is_setup is (plan.role is Role.SETUP)
        assert task.is_teardown is (plan.role is Role.TEARDOWN)
        assert (task.pool == "performance") is plan.performance
        assert task.retries == plan.retries


@pytest.mark.parametrize("model", MODELS)
def test_a_person_is_asked_where_the_risk_tier_wants_one(bag, model):
    task = bag.dags[f"{model}.release"].get_task(Step.APPROVE)
    spec = load_model(SETTINGS, model)
    assert (task.task_type == "AskForApprovalOperator") is spec.risk_tier.needs_person
    if spec.risk_tier.needs_person:
        assert task.fail_on_reject
        assert task.defaults is None, "no answer in time must not be an approval"
        assert task.response_timeout is not None


@pytest.mark.parametrize("model", MODELS)
def test_the_trigger_form_is_typed(bag, model):
    params = bag.dags[f"{model}.release"].params
    form = {name: params.get_param(name).schema for name in params}
    assert form["version"]["type"] == ["null", "integer"]
    assert form["load_profile"]["enum"] == ["smoke", "standard", "article", "surge"]
    assert form["reason"]["type"] == ["null", "string"]


def test_parsing_a_dag_file_loads_nothing_heavy():
    """In a process of its own: what an earlier test imported would hide a heavy import."""
    import subprocess
    import sys

    heavy = ("mlflow", "great_expectations", "evidently", "locust", "sklearn", "pandas", "docker")
    code = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; import airflow.sdk; "
        "before = set(sys.modules); bag = DagBag(sys.argv[1]); assert bag.dags and not bag.import_errors; "
        f"print([m for m in {heavy!r} if m in sys.modules and m not in before])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "dags")], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_broken_declaration_costs_its_own_dag_file_and_no_other(tmp_path, monkeypatch):
    from airflow.dag_processing.dagbag import DagBag

    kept, broken = MODELS[0], "broken_one"
    shutil.copytree(SETTINGS.models / kept, tmp_path / "include" / "models" / kept)
    (tmp_path / "include" / "models" / broken).mkdir()
    (tmp_path / "include" / "models" / broken / "model.yaml").write_text("name: broken_one\nrisk_tier: huge\n")
    (tmp_path / "dags").mkdir()
    for name in (kept, broken):
        text = f"# airflow\nfrom slipway_airflow.dags import model_dags\n\nmodel_dags({name!r})\n"
        (tmp_path / "dags" / f"{name}.py").write_text(text)
    monkeypatch.setenv("SLIPWAY_ROOT", str(tmp_path))
    found = DagBag(str(tmp_path / "dags"))
    assert set(found.dags) == {f"{kept}.{kind}" for kind in kinds_of(kept)}
    ((path, said),) = found.import_errors.items()
    assert Path(path).name == f"{broken}.py"
    assert "risk_tier" in said


@pytest.mark.parametrize("asked", [True, False])
def test_new_versions_start_a_release_only_where_that_is_declared(tmp_path, monkeypatch, asked):
    folder = tmp_path / "include" / "models" / "churn"
    folder.mkdir(parents=True)
    release = {"on_new_version": asked, "load_profile": "smoke"}
    (folder / "model.yaml").write_text(yaml.safe_dump(declared(release=release)))
    monkeypatch.setenv("SLIPWAY_ROOT", str(tmp_path))
    dag = next(dag for dag in model_dags("churn") if dag.dag_id == "churn.release")
    assets = list(dag.schedule or ())
    assert [asset.uri for asset in assets] == ["x-slipway-registry://churn"] * asked
    assert [watcher.trigger.model for asset in assets for watcher in asset.watchers] == ["churn"] * asked
    assert dag.max_active_runs == 1
    assert dag.params["load_profile"] == "smoke"
