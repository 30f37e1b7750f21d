"""Registers with Airflow what Slipway adds to its pages; no logic here."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class SlipwayPlugin(AirflowPlugin):
    """Links from a task to its reports, and the reports behind Airflow's login."""

    name = "slipway"
