-- Run once, by PostgreSQL's first start: beside Airflow's own database, MLflow's and the ledger's.
CREATE DATABASE mlflow;
CREATE DATABASE ledger;
