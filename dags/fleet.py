"""The fleet: what is done for all models at once (airflow)."""

from slipway_airflow.fleet import fleet_dags

fleet_dags()
