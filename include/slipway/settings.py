"""Settings: from the environment, one prefix, one reader.

An embedded stack writes its addresses to ``var/stack.json``; what the environment does not say is read from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import SettingsError

PREFIX = "SLIPWAY_"
STACK_FILE = "stack.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are and how they run.

    Attributes
    ----------
    root : Path
        The project: holds dags/, include/, expectations/.  SLIPWAY_ROOT.
    var : Path
        Everything that is written.  SLIPWAY_VAR, default ``<root>/var``.
    runtime : str
        ``auto`` (docker where a daemon answers, else process), ``docker`` or ``process``.  SLIPWAY_RUNTIME.
    base_image : str
        The image that model images start from.  SLIPWAY_BASE_IMAGE.
    tracking_uri, ledger_url, airflow_url : str
        MLflow, the ledger's database (SQLAlchemy URL) and Airflow's API server.
        SLIPWAY_TRACKING_URI (or MLFLOW_TRACKING_URI), SLIPWAY_LEDGER_URL, SLIPWAY_AIRFLOW_URL.
    monitoring_url : str
        The database of the nightly numbers and alerts (SQLAlchemy URL).  SLIPWAY_MONITORING_URL.
    airflow_user, airflow_password : str
        SLIPWAY_AIRFLOW_USER, SLIPWAY_AIRFLOW_PASSWORD.
    gateway_url, gateway_admin_url : str
        Where Envoy serves, and its admin address.  SLIPWAY_GATEWAY_URL, SLIPWAY_GATEWAY_ADMIN_URL.
    service_host : str
        The address under which the gateway reaches services.  SLIPWAY_SERVICE_HOST.
    require_containers : bool
        Whether a version that was judged outside a container is refused.  SLIPWAY_REQUIRE_CONTAINERS=1.
    lineage_url, lineage_key : str
        Where OpenLineage events go: ``file:…`` or ``http(s)://…``, empty for nowhere; and the key that is sent along.
        SLIPWAY_LINEAGE_URL, SLIPWAY_LINEAGE_KEY.
    wheel_dir : Path
        The content-addressed wheel cache.  SLIPWAY_WHEEL_DIR, default ``<var>/wheels``.
    """

    root: Path
    var: Path
    runtime: str = "auto"
    base_image: str = "python:3.11-slim-bookworm"
    tracking_uri: str = ""
    ledger_url: str = ""
    monitoring_url: str = ""
    airflow_url: str = ""
    airflow_user: str = ""
    airflow_password: str = ""
    gateway_url: str = ""
    gateway_admin_url: str = ""
    service_host: str = "127.0.0.1"
    require_containers: bool = False
    lineage_url: str = ""
    lineage_key: str = field(default="", repr=False)
    wheel_dir: Path = Path()

    @property
    def models(self) -> Path:
        """The folder with one folder per model."""
        return self.root / "include" / "models"

    @property
    def expectations(self) -> Path:
        """The folder with one folder per dataset."""
        return self.root / "expectations"

    @property
    def reports(self) -> Path:
        """Where report files are kept; report paths are relative to it."""
        return self.var / "reports"

    @property
    def gateway(self) -> Path:
        """Envoy's configuration files and the routing state."""
        return self.var / "gateway"

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, then ``var/stack.json``, then the defaults.

        Raises
        ------
        SettingsError
            If the project folder is not one, or a value is not allowed.
        """
        env = os.environ if env is None else env
        root = Path(env.get(PREFIX + "ROOT") or Path(__file__).resolve().parents[2]).resolve()
        if not (root / "include" / "models").is_dir():
            raise SettingsError(
                f"{root} is not a Slipway project", remedy="set SLIPWAY_ROOT to the folder with include/models"
            )
        var = Path(env.get(PREFIX + "VAR") or root / "var").resolve()
        stack = _read_stack(var)

        def value(name: str, default: str = "") -> str:
            return env.get(PREFIX + name.upper()) or stack.get(name) or default

        runtime = value("runtime", "auto")
        if runtime not in ("auto", "docker", "process"):
            raise SettingsError(f"SLIPWAY_RUNTIME={runtime!r} is not a runtime", remedy="use auto, docker or process")
        lineage = value("lineage_url")
        if lineage and not lineage.startswith(("file:", "http://", "https://")):
            raise SettingsError(
                f"SLIPWAY_LINEAGE_URL={lineage!r} is not an address", remedy="write file:/path, or http(s)://host"
            )
        return cls(
            root=root,
            var=var,
            runtime=runtime,
            base_image=value("base_image", "python:3.11-slim-bookworm"),
            tracking_uri=value("tracking_uri", env.get("MLFLOW_TRACKING_URI") or f"sqlite:///{var}/mlflow/mlflow.db"),
            ledger_url=value("ledger_url", f"sqlite:///{var}/ledger.db"),
            monitoring_url=value("monitoring_url", f"sqlite:///{var}/monitoring.db"),
            airflow_url=value("airflow_url"),
            airflow_user=value("airflow_user"),
            airflow_password=value("airflow_password"),
            gateway_url=value("gateway_url"),
            gateway_admin_url=value("gateway_admin_url"),
            service_host=value("service_host", "127.0.0.1"),
            require_containers=value("require_containers").lower() in ("1", "true", "yes"),
            lineage_url=lineage,
            lineage_key=value("lineage_key"),
            wheel_dir=Path(value("wheel_dir") or var / "wheels"),
        )


def _read_stack(var: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((var / STACK_FILE).read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{var / STACK_FILE} cannot be read: {error}", remedy="run `make stop`, then start again"
        ) from error
