#!/bin/sh
# What runs on the host: start a deployment, go back to the one before, say where the service is reached.
# A deployment is a folder beside this file; `current` and `previous` hold the names of two. By hand, too:
#   sh {{cookiecutter.project_slug}}/host.sh back
set -eu
cd "$(dirname "$0")"

name_in() {
  [ ! -f "$1" ] || cat "$1"
}

compose() {
  folder=$1
  shift
  PROXY_USER=$(id -u) docker compose --project-directory "$folder" "$@"
}

# A slow start is waited for; the health check in the image says when it takes too long. Started again by docker, what
# ends each time would look like what starts slowly: only what has been healthy is started again.
until_healthy() {
  compose "$1" up --detach --wait --remove-orphans &&
    for container in $(compose "$1" ps --quiet); do docker update --restart unless-stopped "$container"; done
}

restore() { # what ran before, or nothing
  if [ -n "$2" ]; then
    until_healthy "$2"
    echo "$1 was taken back: $2 runs again."
  else
    compose "$1" down
    echo "$1 was stopped: there is no deployment before it."
  fi
}

forget_others() {
  for file in */compose.yaml; do
    name=${file%/compose.yaml}
    if [ "$name" != "$(name_in current)" ] && [ "$name" != "$(name_in previous)" ]; then
      docker image rm "{{cookiecutter.project_slug}}:$name" || echo "The image of $name stays."
      rm -rf "$name"
    fi
  done
}

start() {
  before=$(name_in current)
  if ! until_healthy "$1"; then
    compose "$1" logs || true
    restore "$1" "$before"
    exit 1
  fi
  [ "$1" = "$before" ] || echo "$before" >previous
  echo "$1" >current
  forget_others
}

back() {
  if [ ! -f previous ]; then
    echo "There is nothing to go back to."
    exit 1
  fi
  before=$(name_in previous)
  restore "$(name_in current)" "$before"
  rm previous
  if [ -n "$before" ]; then echo "$before" >current; else rm current; fi
}

case "$1" in
  start) start "$2" ;;
  back) back ;;
  address) compose "$(name_in current)" port model 8080 ;;
  *)
    echo "host.sh start NAME | back | address"
    exit 2
    ;;
esac
