#!/bin/bash
# steps.sh runs inside a lab: it puts the run's files in place, runs the steps in order, and writes one line of JSON for each.
set -uo pipefail
run=/lab/run
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
cd /

report() { printf '%s\n' "$1" >> "$run/outcomes"; }

place_files() { # files/ holds a tree as it should lie over the root; what has no place there yet gets its directory
  local file
  find "$run/files" -type f -printf '%P\0' | while IFS= read -r -d '' file; do
    mkdir -p "$(dirname "/$file")"
    cp --preserve=mode "$run/files/$file" "/$file"
  done
}

# Neither lab logs alice and bob in, so what logind would have made for them is made here.
install -d -m 700 -o alice -g alice /run/user/1000
install -d -m 700 -o bob -g bob /run/user/1001

as_user() { # USER COMMAND...
  local user=$1
  shift
  if [ "$user" = root ]; then "$@"; else
    setpriv --reuid "$user" --regid "$user" --init-groups --reset-env \
      env PATH="$PATH" XDG_RUNTIME_DIR="/run/user/$(id -u "$user")" "$@"
  fi
}
export -f as_user

run_step() { # NUMBER USER SECONDS
  local begin=${EPOCHREALTIME/./} status
  timeout --kill-after 5 "$3" bash -c 'as_user "$@"' - "$2" bash -c "$(< "$run/steps/$1")" \
    < /dev/null > "$run/$1.stdout" 2> "$run/$1.stderr"
  status=$?
  report "{\"step\":$1,\"exit\":$status,\"ms\":$(((${EPOCHREALTIME/./} - begin) / 1000))}"
}

place_files
read -r uptime _ < /proc/uptime
report "{\"ready\":$uptime}"
while read -r number user seconds <&3; do
  run_step "$number" "$user" "$seconds"
done 3< "$run/steps.list"
report '{"finished":true}'
