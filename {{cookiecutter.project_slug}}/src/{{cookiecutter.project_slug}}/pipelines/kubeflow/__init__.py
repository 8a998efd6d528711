"""Kubeflow Pipelines: the same definition runs here and on a cluster."""
