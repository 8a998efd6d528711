# What was predicted, and what came true.
.PHONY: labels outcomes tidy serve-labels
labels: export LABELS_ADDRESS := $(or $(value address),$(value LABELS_ADDRESS))
labels: ## take what came true: make labels address=FILE or a folder, again and again
	$(PROJECT) labels -- "$$LABELS_ADDRESS"

outcomes: ## what became of the labels so far
	$(PROJECT) labels

tidy: ## put small files of predictions and labels together, and remove old ones
	$(PROJECT) predictions tidy

serve-labels: ## take labels over HTTP from whoever has LABELS_TOKEN
	$(PROJECT) serve-labels
