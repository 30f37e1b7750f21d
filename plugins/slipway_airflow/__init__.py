"""How Airflow sees Slipway: operators, DAGs from plans, and the plugin. The only package that imports airflow."""
