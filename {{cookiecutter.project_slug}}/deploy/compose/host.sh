#!/bin/sh
# What runs on the host: bring a deployment in and start it, go back to the one before, say where it is reached.
#
# A deployment is a folder beside this file, and an image of its name. Files beside it say which is which:
#   current    the deployment that runs, and was healthy
#   previous   the one before it, or the word `nothing`; none after going back, for there is one way back
#   starting   the one that is about to become current; left behind, it was cut short, and the next command mends that
# Each changes by one rename, so that whatever is killed, and whenever the disk is full, they say what is true.
# By hand, too: `sh {{cookiecutter.project_slug}}/host.sh back`.
set -eu
export LC_ALL=C                                                        # a-z in a pattern are 26 letters
unset IMAGE COMPOSE_FILE COMPOSE_PROFILES COMPOSE_PROJECT_NAME CDPATH  # would count more than a deployment's own files
trap '' HUP PIPE                                                       # a connection that is lost stops nothing halfway

say() {
  echo "$*" || true # nobody may be listening any more
}

refuse() {
  say "$*" >&2
  exit 1
}

# --- One command at a time -------------------------------------------------------------------------------------------
# Each command leaves a note in lock/ that names its process, and goes on once it sees no note of another that lives.
# Two that come at once see each other: the one with the higher number takes its note away and waits. The note of a dead
# process counts for nothing, and its name never comes again, so that anybody may remove it. Needs nothing but /proc.

started() { # when this process was started; with its number that names it for good. Nothing once it has ended (Z)
  sed -n 's/.*) [^Z] //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 19
}

take_turn() {
  mine=$$.$(started $$)
  [ "$mine" != "$$." ] || refuse "There is no /proc here: host.sh needs Linux."
  trap 'rm -rf "lock/$mine" ${arrival:+"$arrival"}' EXIT
  mkdir -p lock
  waited=0
  while touch "lock/$mine" || refuse "Nothing was done: is the disk full?"; do
    other=
    for note in lock/*.*; do
      note=${note#lock/}
      pid=${note%%.*}
      if [ "$note" = "$mine" ]; then continue; fi
      if [ "$note" != "$pid.$(started "$pid")" ]; then rm -f "lock/$note"; continue; fi
      other=$pid
      if [ "$pid" -lt $$ ]; then rm -f "lock/$mine"; fi
    done
    [ -n "$other" ] || return 0
    [ $waited -gt 0 ] || say "Another command is at work here, process $other: waiting for it."
    waited=$((waited + 1))
    [ $waited -lt 600 ] || refuse "Process $other is still at work. See what it does, or end it: kill $other"
    sleep 1
  done
}

# --- What the files say ----------------------------------------------------------------------------------------------

is_name() { # as `deploy` makes them: release, image and files. None of our own files is called so.
  case $1 in
    [!0-9]* | *[!A-Za-z0-9-]* | '') return 1 ;;
  esac
}

nothing_odd() { # a link would lead out of this folder, and a folder cannot be replaced by a rename
  for entry in current previous starting host.sh; do
    if [ -L "$entry" ] || { [ -e "$entry" ] && [ ! -f "$entry" ]; }; then refuse "$PWD/$entry is not a plain file."; fi
  done
  for entry in lock arrived gone [0-9]*; do
    if [ -L "$entry" ] || { [ -e "$entry" ] && [ ! -d "$entry" ]; }; then refuse "$PWD/$entry is not a folder."; fi
  done
}

check() { # $1: a deployment, $2: who names it
  is_name "$1" || refuse "$2 does not name a deployment, but '$1'. Mend it, or remove it."
  [ -f "$1/compose.yaml" ] || refuse "$2 names $1, which is not here. Mend it, or remove it."
}

name_in() { # the deployment that a file names; nothing where there is no such file
  [ -e "$1" ] || return 0
  name=$(cat "$1")
  [ "$name" != nothing ] || return 0
  check "$name" "$PWD/$1"
  echo "$name"
}

put() { # write beside, see that it is there, bring it onto the disk, rename: never empty, never half
  if ! echo "$2" >"$1.new" || [ "$(cat "$1.new")" != "$2" ]; then
    refuse "$PWD/$1 cannot be written. Is the disk full?"
  fi
  sync
  mv -f "$1.new" "$1"
}

# --- What docker does ------------------------------------------------------------------------------------------------

compose() {
  folder=$1
  shift
  PROXY_USER=$(id -u) docker compose --project-directory "$folder" --file "$folder/compose.yaml" "$@"
}

# A slow start is waited for; the health check in the image says when it takes too long. Started again by docker, what
# ends each time would look like what starts slowly: only what has been healthy is started again.
until_healthy() {
  compose "$1" up --detach --wait --remove-orphans || return 1
  for container in $(compose "$1" ps --quiet); do
    docker update --restart unless-stopped "$container" || return 1
  done
}

forget() { # the image first: the folder is what tells that there may be one
  image="{{cookiecutter.project_slug}}:$1"
  found=$(docker image ls --quiet "$image") || return 1
  if [ -n "$found" ] && ! docker image rm "$image"; then return 1; fi
  rm -rf "./$1"
}

forget_others() { # nothing goes as long as it is not clear what stays
  if ! keep=$(name_in current && name_in previous && name_in starting); then
    say "Nothing was removed, as it is not clear what is needed."
    return 0
  fi
  for folder in [0-9]*/; do
    name=${folder%/}
    for kept in $keep; do
      [ "$kept" != "$name" ] || continue 2 # asked of no program, for one that is killed would say no
    done
    ! is_name "$name" || forget "$name" || say "$name stays for now."
  done
}

# --- The commands ----------------------------------------------------------------------------------------------------

settle() { # finish what a command that was cut short has left; what it was starting is for the caller to decide
  rm -rf gone ./*.new
  place
  before=$(name_in current)
  attempt=$(name_in starting)
  if [ "$attempt" = "$before" ]; then rm -f starting; attempt=; fi
  if [ -f previous ] && [ "$(cat previous)" = "${before:-nothing}" ]; then rm previous; fi
}

place() { # what has arrived whole takes its place, unless the same is there: it may be running
  [ -d arrived ] || return 0
  for folder in arrived/[0-9]*; do
    if [ ! -d "$folder" ] || diff -r "$folder" "${folder#arrived/}" >/dev/null 2>&1; then continue; fi
    rm -rf "./${folder#arrived/}"
    mv "$folder" .
  done
  [ ! -f arrived/host.sh ] || mv -f arrived/host.sh host.sh
  mv arrived gone # at once: what is half removed must not count as what has arrived
  rm -rf gone
}

take_back() { # what was started is not to stay: what ran before runs again, or nothing
  if [ -n "$before" ]; then
    if ! until_healthy "$before"; then
      say "$before, which ran before, does not become healthy either."
      return 1
    fi
    say "$1 was taken back: $before runs again."
  else
    compose "$1" down || return 1
    say "$1 was stopped: there is no deployment before it."
  fi
  rm -f starting
}

receive() { # $1: the deployment, in a folder of its own, $2: the name of the image, which comes on standard input
  is_name "$1" || refuse "'$1' is no name of a deployment."
  [ -n "$arrival" ] || refuse "This is for the command \`deploy\`. By hand: host.sh start NAME"
  [ -f "$arrival/$1/compose.yaml" ] || refuse "$1 has not arrived."
  forget_others # before there is more: a full disk would stay full
  find . ! -name . -prune -name 'arriving-*' -mtime +0 -exec rm -rf {} + # a connection was lost, a day ago or more
  sync
  mv "$arrival" arrived
  place
  docker load || refuse "The image did not arrive. Nothing was started."
  docker tag -- "$2" "{{cookiecutter.project_slug}}:$1"
  start "$1" </dev/null
}

start() {
  check "$1" "The command"
  if [ "$1" != "$before" ] && [ "$1" = "$(cat previous 2>/dev/null)" ]; then
    rm previous # else this, cut short, would look like going back
  fi
  put starting "$1"
  if ! until_healthy "$1"; then
    compose "$1" logs || true
    take_back "$1" || say "The next command tries again."
    exit 1
  fi
  if [ -z "$before" ]; then
    put previous nothing
  elif [ "$1" != "$before" ]; then
    ln -f current previous
  fi
  mv -f starting current
  forget_others
}

of_release() { # whoever judged one release takes back no other
  case $1 in
    "$2"*) ;;
    *) refuse "$1 runs, which is not of release $2. It is left as it is." ;;
  esac
}

back() { # $1: only if this release runs; empty: whatever runs
  if [ -n "$attempt" ] && [ "$attempt" != "$(cat previous 2>/dev/null)" ]; then
    of_release "$attempt" "$1"
    if take_back "$attempt"; then return; fi
    rm -f starting
    refuse "To go back once more leads to the deployment before that."
  fi
  [ -n "$before" ] || refuse "Nothing is deployed here."
  of_release "$before" "$1"
  [ -f previous ] || refuse "There is nothing to go back to."
  if [ "$(cat previous)" = nothing ]; then
    mv -f current starting
    attempt=$before before=
    take_back "$attempt" || exit 1
    rm -f previous
    return
  fi
  target=$(name_in previous)
  [ -n "$attempt" ] || ln previous starting # a rename and a link: to go back takes no room on the disk
  until_healthy "$target" || refuse "$target does not become healthy either. See its logs, and try again."
  mv -f previous current
  rm -f starting
  say "$before was taken back: $target runs again."
}

address() {
  [ -z "$attempt" ] || take_back "$attempt" >&2 || exit 1
  before=$(name_in current)
  [ -n "$before" ] || refuse "Nothing is deployed here."
  compose "$before" port model 8080
}

main() {
  cd -- "$(dirname -- "$0")"
  arrival=
  case ${PWD##*/} in
    arriving-*) arrival=${PWD##*/} && cd .. ;;
  esac
  case "${1-} $#" in
    'receive 3' | 'start 2' | 'back 1' | 'back 2' | 'address 1') ;;
    *)
      say "host.sh start NAME | back [RELEASE] | address"
      exit 2
      ;;
  esac
  take_turn
  nothing_odd
  settle
  case $1 in
    receive) receive "$2" "$3" ;;
    start) start "$2" ;;
    back) back "${2-}" ;;
    address) address ;;
  esac
}

main "$@"
