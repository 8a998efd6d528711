# From new data to a version of the model, and from a version to a release.
TRAINING_IMAGE ?= {{cookiecutter.project_slug}}-training:latest

.PHONY: train-new watch pipeline training-image reproduce report ui release
train-new: ## train if there is new data, and only then
	$(PROJECT) train --if-new

watch: ## train whenever there is new data, until stopped
	$(PROJECT) watch

pipeline: ## write the pipeline for a cluster to dist/
	$(PROJECT) pipeline compile

training-image: ## build the image that its steps run in there
	docker build --tag $(TRAINING_IMAGE) --file deploy/kubeflow/Dockerfile .

reproduce: ## train again what a run has trained: make reproduce run=ID
	$(PROJECT) reproduce $(run)

report: ## performance over time, and all runs, best first
	$(PROJECT) report

ui: ## open MLflow's user interface on the runs
	uv run --isolated --group ui {{cookiecutter.project_slug}} ui

release: ## see the newest version beside the one in use, and release it
	$(PROJECT) release
