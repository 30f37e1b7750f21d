"""``start``, ``stop``, ``status``: the embedded services of this checkout."""

from __future__ import annotations

import typer
from rich.text import Text

from slipway.cli.output import AsJson, err, out, print_json, print_table
from slipway.settings import Settings

HEALTHY, DOWN = Text("healthy", style="green"), Text("down", style="red")
ALIVE, DEAD = Text("runs", style="green"), Text("dead", style="bold red")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(start)
    app.command()(stop)
    app.command()(status)


def start() -> None:
    """Start Airflow, MLflow and the gateway on free loopback ports, and every champion again; what runs is kept.

    Exits 1 if a champion could not be put back into service; everything else runs then.
    """
    from slipway.workflows.embedded import start_embedded

    started = start_embedded(Settings.load(), progress=_say)
    print_addresses(Settings.load())
    out.print(f"{started.services} services run; `slipway stop` ends them.")
    if not started.healthy:
        err.print("A champion does not serve: see above.", style="bold red")
        raise typer.Exit(1)


def stop() -> None:
    """End what this checkout started, and nothing else: services, model containers, model processes."""
    from slipway.workflows.embedded import stop_embedded

    stopped = stop_embedded(Settings.load(), progress=_say)
    out.print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(as_json: AsJson = False) -> None:
    """Show what runs: services, model servers, and where the gateway sends each model's traffic."""
    from slipway.workflows.embedded import fleet_status

    found = fleet_status(Settings.load())
    if as_json:
        print_json(found)
        return
    services = [(s["name"], HEALTHY if s["healthy"] else DOWN, s["url"]) for s in found["services"]]
    print_table("services", ("service", "state", "address"), services)
    servers = [(s["name"], s["runtime"], s["url"], s["image_digest"][7:19]) for s in found["servers"]]
    print_table("model servers", ("name", "runtime", "address", "image"), servers)
    routes = [
        (r["model"], f"v{r['version']}", r["role"], f"{r['weight']} %", ALIVE if r["alive"] else DEAD, r["url"])
        for r in found["routes"]
    ]
    print_table("gateway", ("model", "version", "role", "traffic", "server", "address"), routes)
    if any(r["weight"] and not r["alive"] for r in found["routes"]):
        err.print("Traffic goes to a server that does not run: `slipway start` puts each champion back.", style="red")


def print_addresses(settings: Settings) -> None:
    """Print where each page is and how to log in."""
    from slipway.workflows.embedded import logins

    rows = [
        ("Airflow", settings.airflow_url, "releases, approvals, reports"),
        ("MLflow", settings.tracking_uri, "versions, aliases, reports"),
        ("gateway", settings.gateway_url, "predictions: POST /models/<model>/invocations"),
    ]
    print_table("addresses", ("what", "address", "for"), rows)
    print_table("Airflow logins", ("user", "password"), sorted(logins(settings).items()))


def _say(line: str) -> None:
    err.print(line, markup=False, soft_wrap=True)
