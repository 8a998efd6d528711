# From a trained model to a service: release it, build what serves it, run it here or on the host.
.PHONY: publish rollback released serve wheel image proxy-image deploy smoke-test demo
publish: ## release the latest model
	$(PROJECT) publish

rollback: ## point at the release before
	$(PROJECT) rollback

released: ## show what is released
	$(PROJECT) released

serve: ## serve the released model on this machine
	$(PROJECT) serve

wheel: ## build the package
	uv build --wheel --out-dir dist

image: ## build the image that serves models
	docker build --tag {{cookiecutter.project_slug}}:latest .
	mkdir -p dist
	docker save --output dist/image.tar {{cookiecutter.project_slug}}:latest

proxy-image: ## build the proxy that lets others call the model, for deploy to take along
	docker build --tag {{cookiecutter.project_slug}}-proxy:latest deploy/proxy
	mkdir -p dist
	docker save --output dist/proxy.tar {{cookiecutter.project_slug}}-proxy:latest

deploy: ## put image and released model on the host
	$(PROJECT) deploy

smoke-test: ## ask what was deployed; if it fails, go back
	$(PROJECT) smoke-test

demo: ## all of this level on this machine, with a picture
	uv run python -m demo
