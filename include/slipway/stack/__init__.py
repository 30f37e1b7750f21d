"""The embedded services of one checkout: MLflow's server, Airflow and Envoy, started and stopped without root."""
