"""Airflow as three processes: api-server, scheduler and dag-processor, on SQLite under ``var/airflow``.

A fourth, the triggerer, watches for new versions where a model's declaration wants that.

Not ``airflow standalone``: processes by hand start in half the time, take a third of the memory, and end when
they are told to. Airflow writes its own random keys to ``airflow.cfg``, mode 0600, beside the database they belong to.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import httpx

from slipway.errors import SlipwayError, StackError
from slipway.settings import PREFIX, Settings
from slipway.specs import load_model, model_names
from slipway.stack import processes
from slipway.stack.ports import HOST
from slipway.stack.service import Service, clean_environment, get_json, program, version
from slipway.stack.state import write_private

API, SCHEDULER, DAG_PROCESSOR = "airflow-api", "airflow-scheduler", "airflow-dag-processor"
TRIGGERER = "airflow-triggerer"
COMMANDS = {
    API: (program("airflow"), "api-server"),
    # Task logs are read from the shared folder; the log server would listen on every interface.
    SCHEDULER: (sys.executable, "-m", "slipway_airflow.scheduler", "--skip-serve-logs"),
    DAG_PROCESSOR: (program("airflow"), "dag-processor"),
    TRIGGERER: (program("airflow"), "triggerer", "--skip-serve-logs"),
}
HEARTBEATS = {SCHEDULER: "scheduler", DAG_PROCESSOR: "dag_processor", TRIGGERER: "triggerer"}
ADMIN = "admin"
USERS = {ADMIN: "admin", "scientist": "user", "officer": "user", "director": "user"}
PASSWORD_FILE = "passwords.json"
MIGRATED_FILE = "migrated"
MIGRATE_TIMEOUT_S = 300.0
POOL = "performance"
MARKS = ("AIRFLOW_", PREFIX, "MLFLOW_", "PYTHONPATH")


def url(port: int) -> str:
    """Return where the API server and the user interface answer."""
    return f"http://{HOST}:{port}"


def home(settings: Settings) -> Path:
    """Return Airflow's own folder."""
    return settings.var / "airflow"


def airflow_environment(
    settings: Settings, *, port: int = 8080, tracking_uri: str = "", caller: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the whole environment of an Airflow process of this project, which is that of its tasks too.

    Parameters
    ----------
    settings : Settings
        The project.
    port : int
        The API server's port: tasks report there, so that all components must agree on it.
    tracking_uri : str
        MLflow's address for tasks; the settings' own when empty. A SLIPWAY_TRACKING_URI of the caller wins over both.
    caller : Mapping[str, str], optional
        The environment to build on: its SLIPWAY_* variables, connections and variables reach the tasks.
    """
    inherited = clean_environment(caller or {})
    registry = inherited.get(PREFIX + "TRACKING_URI") or tracking_uri or settings.tracking_uri
    return {
        **inherited,
        **_configuration(settings, port),
        PREFIX + "ROOT": str(settings.root),
        PREFIX + "VAR": str(settings.var),
        PREFIX + "RUNTIME": settings.runtime,
        "PYTHONPATH": str(settings.root / "plugins"),
        "MLFLOW_TRACKING_URI": registry,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",
    }


def _configuration(settings: Settings, port: int) -> dict[str, str]:
    folder = home(settings)
    return {
        "AIRFLOW_HOME": str(folder),
        # SQLite's own patience is 5 s: on a busy host the first start's writers outlast it, and a call fails with 500.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db?timeout=30",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # The executor forks this many workers at once; more than four would only share the same cores.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / PASSWORD_FILE),
        # The idle sleep is the gap between two tasks: 0.07 s instead of 1 s.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        # A supervisor that misses its task's exit holds the worker for this long.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        # The port alone is not enough: tasks find the API under the base URL.
        "AIRFLOW__API__BASE_URL": url(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def services(settings: Settings, *, port: int, tracking_uri: str, caller: Mapping[str, str]) -> tuple[Service, ...]:
    """Return how the processes are started."""
    env = airflow_environment(settings, port=port, tracking_uri=tracking_uri, caller=caller)
    marks = tuple(f"{name}={value}" for name, value in sorted(env.items()) if name.startswith(MARKS))

    def component(name: str) -> Service:
        command = COMMANDS[name]
        return Service(
            name=name,
            command=lambda: command,
            env=env,
            identity=(*command, version("apache-airflow-core"), *marks),
            folder=home(settings),
            port=port if name == API else 0,
            url=url(port) if name == API else "",
        )

    return tuple(component(name) for name in components(settings))


def components(settings: Settings) -> tuple[str, ...]:
    """Return which processes are needed: the triggerer, of some 350 MB, only where a model watches for versions."""
    watched = any(_watches(settings, model) for model in model_names(settings))
    return tuple(name for name in COMMANDS if watched or name != TRIGGERER)


def _watches(settings: Settings, model: str) -> bool:
    """Tell whether a model asks for a release of each new version; a broken declaration asks for nothing."""
    path = settings.models / model / "model.yaml"
    try:  # most declarations do not have the word, and a thousand of them are read before a start
        return "on_new_version" in path.read_text() and load_model(settings, model).release.on_new_version
    except (SlipwayError, OSError, ValueError):
        return False


def passwords(settings: Settings) -> dict[str, str]:
    """Return the users' passwords; those that are missing are made and kept, readable by the owner only."""
    path = home(settings) / PASSWORD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        known = {str(name): str(word) for name, word in json.loads(path.read_text()).items()}
    except FileNotFoundError:
        known = {}
    except (ValueError, AttributeError) as error:
        raise StackError(f"{path} is damaged: {error}", remedy="remove it; new passwords are made") from error
    complete = {name: known.get(name) or secrets.token_urlsafe(12) for name in USERS} | known
    if complete != known:
        write_private(path, json.dumps(complete) + "\n")
    path.chmod(0o600)
    return complete


def migrate(settings: Settings, env: Mapping[str, str], *, progress: Callable[[str], None]) -> None:
    """Bring Airflow's database to the installed version; nothing is done when it is there already.

    Raises
    ------
    StackError
        If the migration fails or takes longer than five minutes.
    """
    folder = home(settings)
    marker, wanted = folder / MIGRATED_FILE, version("apache-airflow-core")
    database = folder / "airflow.db"
    if database.is_file() and marker.is_file() and marker.read_text().strip() == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = settings.var / "logs" / "airflow-migrate.log"
    begin = time.monotonic()
    command = (program("airflow"), "db", "migrate")
    if processes.run(command, env=env, log=log, cwd=folder, timeout_s=MIGRATE_TIMEOUT_S) != 0:
        raise StackError(
            f"airflow: the database cannot be migrated:\n{processes.tail(log)}",
            remedy=f"look into {log}; a database of a newer Airflow can be moved away with {folder}",
        )
    marker.write_text(wanted)
    progress(f"airflow: database migrated in {time.monotonic() - begin:.1f} s")


def healthy(address: str, component: str, *, since: float) -> bool | None:
    """Return whether a component has reported itself well after ``since`` (seconds since 1970).

    None when the API server, which alone knows, does not answer.
    """
    body = get_json(f"{address}/api/v2/monitor/health")
    if body is None:
        return False if component == API else None
    if component == API:
        return bool((body.get("metadatabase") or {}).get("status") == "healthy")
    name = HEARTBEATS[component]
    part = body.get(name) or {}
    return part.get("status") == "healthy" and _seconds(part.get(f"latest_{name}_heartbeat")) >= since


def _seconds(stamp: object) -> float:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return 0.0


def ensure_pool(address: str, password: str) -> None:
    """Make the one-slot pool of the performance gates, if it is not there: a task of an unknown pool waits for ever.

    Raises
    ------
    StackError
        If Airflow does not take it.
    """
    remedy = "look into var/logs/airflow-api.log"
    try:
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            login = client.post("/auth/token", json={"username": ADMIN, "password": password}).raise_for_status()
            client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
            if client.get(f"/api/v2/pools/{POOL}").status_code == httpx.codes.NOT_FOUND:
                body = {
                    "name": POOL,
                    "slots": 1,
                    "description": "one performance gate at a time",
                    "include_deferred": False,
                }
                client.post("/api/v2/pools", json=body).raise_for_status()
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise StackError(f"airflow: the pool {POOL} cannot be made: {error}", remedy=remedy) from error
