"""Kubeflow Pipelines: the same definition runs here and on a cluster."""

# In which the steps run on a cluster, if no other is named.
IMAGE = "{{cookiecutter.project_slug}}-training:latest"
