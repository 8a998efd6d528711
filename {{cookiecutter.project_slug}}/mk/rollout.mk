# A version that passes is released by itself, as rollout.yaml says.
.PHONY: rollout approve lineage
rollout: ## judge the newest version, and release it if it passes
	$(PROJECT) rollout run

approve: ## agree to a release that waits for it
	$(PROJECT) rollout approve

lineage: ## show what serves, and what it was made from
	$(PROJECT) lineage
