"""What runs inside the model's container: it validates requests by the signature and answers with the model."""
