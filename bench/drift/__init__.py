"""False alarms, detection and the cost of drift monitoring, beside Evidently's preset on the same data."""
