# The tasks of every project with a package. They call its commands and hold no logic of their own.
PROJECT := uv run {{cookiecutter.project_slug}}

# Where the template is: what the last run noted, unless that was a folder of somebody's machine.
template ?= $(shell sed -n 's/^  "template": "\(.*\)".*/\1/p' .mlops-template/answers.json)

.PHONY: setup data train evaluate predict lint test check maturity upgrade clean
setup: ## install everything, and the checks before each commit
	uv sync
	@if [ -e .git ]; then uv run pre-commit install; else echo "No git repository yet: no checks before commits."; fi

data: ## fetch the table and check it
	$(PROJECT) data

train: data ## train a model on the newest table
	$(PROJECT) train

evaluate: ## judge the latest model
	$(PROJECT) evaluate

predict: ## predict for the rows of the table: make predict table=FILE
	$(PROJECT) predict $(or $(table),data/checked/table.csv)

lint: ## check style, names and types
	uv run ruff check .
	uv run ruff format --check .
	uv run mypy

test: ## run the tests
	uv run pytest -n auto --cov

check: lint test ## all that must hold before a commit

maturity: ## prove the level of this project
	$(PROJECT) maturity

upgrade: ## move to a level of the template: make upgrade level=2
	@test -n "$(level)" || { echo "Which level? For example: make upgrade level=2"; exit 2; }
	@test -n "$(template)" || { echo "Where is the template? For example: make upgrade level=$(level) template=../mlops-template"; exit 2; }
	@test "$$(basename "$$PWD")" = {{cookiecutter.project_slug}} || { echo "The folder of this project must be called {{cookiecutter.project_slug}}."; exit 2; }
	uvx "cookiecutter>=2.7,<3" "$(template)" -f --no-input -o .. $(if $(dry_run),_dry_run=yes) project_slug={{cookiecutter.project_slug}} maturity_level=$(level)

clean: ## remove what can be made again
	rm -rf .venv dist build .coverage .mypy_cache .pytest_cache .ruff_cache predictions.csv demo/workspace
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
