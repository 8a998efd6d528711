"""What was tried and what came of it: runs and versions of models in MLflow, in a file here or on a server."""
