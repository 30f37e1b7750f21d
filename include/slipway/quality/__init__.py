"""The two gates before the image: is the data as declared, and is the model good enough."""
