# The tasks of every project with a package. They call its commands and hold no logic of their own.
PROJECT := uv run {{cookiecutter.project_slug}}

# Where the template is and which version of it, as the last run noted; nothing, if that was a folder of some machine.
noted = $(shell sed -n 's/^  "$(1)": "\(.*\)".*/\1/p' .mlops-template/answers.json 2>/dev/null)
template = $(call noted,template)
# Version and folder belong to the template that was noted, not to one that is typed.
checkout = $(if $(filter command,$(origin template)),,$(call noted,checkout))
directory = $(if $(filter command,$(origin template)),,$(call noted,directory))

.PHONY: setup data train evaluate predict lint test check audit maturity upgrade undo clean
setup: ## install everything, and the checks before each commit
	uv sync
	@if [ -e .git ]; then uv run pre-commit install; else echo "No git repository yet: no checks before commits."; fi

data: ## fetch the table and check it
	$(PROJECT) data

train: data ## train a model on the newest table
	$(PROJECT) train

evaluate: ## judge the latest model
	$(PROJECT) evaluate

# Addresses may hold anything: they reach the command as they were typed or set, read by neither make nor the shell.
unexport table out
predict: export PREDICT_TABLE := $(or $(value table),$(value PREDICT_TABLE))
predict: export PREDICT_OUT := $(or $(value out),$(value PREDICT_OUT),predictions.csv)
predict: ## predict for the rows of a table: make predict table=FILE out=FILE; released=yes asks the released model
	$(PROJECT) predict --out "$$PREDICT_OUT" $(if $(value released),--released) $(if $(PREDICT_TABLE),-- "$$PREDICT_TABLE")

lint: ## check style, names and types
	uv run ruff check .
	uv run ruff format --check .
	uv run mypy

test: ## run the tests
	uv run pytest -n auto --cov

check: lint test ## all that must hold before a commit

audit: ## look for known weaknesses in the locked packages
	uv export --quiet --locked --all-groups --no-emit-project --output-file dist/locked.txt
	uv run --locked --isolated --only-group audit pip-audit --strict --disable-pip --requirement dist/locked.txt

maturity: ## prove the level of this project
	$(PROJECT) maturity

# Only what is typed behind `make upgrade` is a wish, and a word that is not known is refused: passed over, dryrun=yes
# would be an upgrade.
KNOWN = level dry_run down restore template checkout directory
typed = $(foreach word,$(MAKEOVERRIDES),$(if $(findstring =,$(word)),$(firstword $(subst =, ,$(word)))))
unknown = $(filter-out $(KNOWN),$(typed)) $(filter-out upgrade undo,$(MAKECMDGOALS))
given = $(if $(filter command,$(origin $(1))),$(2)="$$$(1)")
define check-words
@test -z "$(strip $(unknown))" || { echo "Unknown: $(strip $(unknown)). make $@ knows: $(KNOWN)"; exit 2; }
@test -n "$$template" || { echo "Where is the template? For example: make $@ template=../mlops-template"; exit 2; }
@test "$$(basename "$$PWD")" = {{cookiecutter.project_slug}} || { echo "This folder must be called {{cookiecutter.project_slug}}."; exit 2; }
endef
regenerate = uvx "cookiecutter>=2.7,<3" -f --no-input -o .. $(if $(checkout),-c "$$checkout") \
	$(if $(directory),--directory "$$directory") -- "$$template" project_slug={{cookiecutter.project_slug}} $(call given,dry_run,_dry_run)
undo: KNOWN = dry_run template checkout directory
ifneq ($(filter upgrade undo,$(MAKECMDGOALS)),)
export template := $(template)
export checkout := $(checkout)
export directory := $(directory)
endif

upgrade: ## bring what is new in the template; level=2 moves to that level, dry_run=yes only looks
	$(check-words)
	$(regenerate) $(call given,level,maturity_level) $(call given,down,_down) $(call given,restore,_restore)

undo: ## take back the last upgrade, but for what was changed since
	$(check-words)
	$(regenerate) _undo=yes

clean: ## remove what can be made again
	rm -rf .venv dist build .coverage .mypy_cache .pytest_cache .ruff_cache predictions.csv demo/workspace
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
