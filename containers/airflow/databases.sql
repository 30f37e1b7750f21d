-- Run once, by PostgreSQL's first start: beside Airflow's own database, MLflow's, the ledger's and the nightly watch's.
CREATE DATABASE mlflow;
CREATE DATABASE ledger;
CREATE DATABASE monitoring;
