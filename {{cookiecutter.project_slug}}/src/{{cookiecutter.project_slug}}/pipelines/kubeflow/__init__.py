"""Kubeflow Pipelines: the same definition runs here and on a cluster."""

IMAGE = "{{cookiecutter.project_slug}}-training:latest"  # in which the steps run on a cluster, if no other is named
