"""Tumor malignancy: release and rollback DAGs (airflow)."""

from slipway_airflow.dags import model_dags

model_dags("tumor_malignancy")
