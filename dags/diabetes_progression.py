"""Diabetes progression: release and rollback DAGs (airflow)."""

from slipway_airflow.dags import model_dags

model_dags("diabetes_progression")
