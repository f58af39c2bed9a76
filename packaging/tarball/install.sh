#!/bin/sh
# install.sh [--prefix DIR] [--uninstall] puts virtssh into DIR (/usr/local), and what ssh and bash read into /etc; or takes it all
# out again. What an administrator has changed is never written over.
set -eu
umask 022
export LC_ALL=C
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)

usage='usage: install.sh [--prefix DIR] [--uninstall]'
fail() { # ERROR HINT
  printf 'install.sh: error: %s\ninstall.sh: hint: %s\n' "$1" "$2" >&2
  exit 1
}

prefix=/usr/local action=install
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -gt 1 ] || { echo "$usage" >&2; exit 2; }; prefix=$2; shift ;;
    --prefix=*) prefix=${1#*=} ;;
    --uninstall) action=uninstall ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
  shift
done
case $prefix in
  *[!A-Za-z0-9/._+-]*) fail "cannot install into \"$prefix\"" "ssh would have to quote it: use letters, digits and /._+- alone" ;;
  /*) ;;
  *) fail "cannot install into \"$prefix\"" "name a directory that begins with /" ;;
esac
prefix=${prefix%/}

drop_in=/etc/ssh/ssh_config.d/25-virtssh.conf
bash_completion=/etc/bash_completion.d/virtssh
# The drop-in as it was installed, to tell whether it has been changed since; and the directories that were made for the files.
installed=$prefix/share/virtssh/25-virtssh.conf
made=$prefix/share/virtssh/directories

# Each file as SOURCE DESTINATION MODE, but for the drop-in.
list_files() {
  cat <<FILES
virtssh $prefix/bin/virtssh 755
man/virtssh.1 $prefix/share/man/man1/virtssh.1 644
man/virtssh-guest.7 $prefix/share/man/man7/virtssh-guest.7 644
completion/virtssh.bash $bash_completion 644
completion/virtssh.zsh $prefix/share/zsh/site-functions/_virtssh 644
completion/virtssh.fish $prefix/share/fish/vendor_conf.d/virtssh.fish 644
licences/virtssh.txt $prefix/share/doc/virtssh/licences/virtssh.txt 644
licences/third-party-licences.txt $prefix/share/doc/virtssh/licences/third-party-licences.txt 644
licences/static-libraries.txt $prefix/share/doc/virtssh/licences/static-libraries.txt 644
README.md $prefix/share/doc/virtssh/README.md 644
CHANGELOG.md $prefix/share/doc/virtssh/CHANGELOG.md 644
schema/virtssh-keys.schema.json $prefix/share/doc/virtssh/virtssh-keys.schema.json 644
schema/virtssh-list.schema.json $prefix/share/doc/virtssh/virtssh-list.schema.json 644
FILES
}

require_root() {
  [ "$(id -u)" = 0 ] || fail "cannot write to /etc and $prefix as $(id -un)" \
    "run it as root; or, for yourself alone, put virtssh into a directory of your PATH and run: virtssh setup"
}

# An older ssh ends at the drop-in's first new word, for every host.
require_ssh() {
  version=$(ssh -V 2>&1) || fail "cannot run ssh" "install OpenSSH's client, 8.5 or later"
  number=$(printf '%s\n' "$version" | sed -n 's/^OpenSSH_\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  [ -n "$number" ] || fail "ssh is not OpenSSH: $version" "install OpenSSH's client, 8.5 or later"
  # shellcheck disable=SC2086 # two numbers
  set -- $number
  if [ "$1" -lt 8 ] || { [ "$1" -eq 8 ] && [ "$2" -lt 5 ]; }; then
    fail "ssh is OpenSSH $1.$2, and KnownHostsCommand came with 8.5" "install OpenSSH's client, 8.5 or later"
  fi
}

require_machine() {
  [ -x "$here/virtssh" ] || fail "cannot run $here/virtssh" "unpack the tarball where programs may be run: findmnt -T '$here'"
  "$here/virtssh" --version > /dev/null 2>&1 ||
    fail "this virtssh does not run on this machine ($(uname -m))" "take the tarball for $(uname -m)"
}

make_directory() { # PATH, and those above it; the outermost is noted first
  [ -d "$1" ] && return
  make_directory "$(dirname "$1")"
  mkdir -m 755 "$1"
  echo "$1" >> "$work/made"
}

put() { # SOURCE DESTINATION MODE: renamed into place, as a program that runs cannot be written over
  make_directory "$(dirname "$2")"
  { cp "$1" "$2.new.$$" && chmod "$3" "$2.new.$$" && mv -f "$2.new.$$" "$2"; } || { rm -f "$2.new.$$"; exit 1; }
}

same() { [ -e "$1" ] && [ -e "$2" ] && [ "$(cat "$1")" = "$(cat "$2")" ]; }

# Does the drop-in that is there run a virtssh of another prefix, such as a package's?
is_others() { sed -n 's|^[^#]* \(/[^ ]*/virtssh\) .*|\1|p' "$drop_in" | grep -qvxF "$prefix/bin/virtssh"; }

# The drop-in with the program's own path in it.
write_drop_in() { sed "s|/usr/bin/virtssh|$prefix/bin/virtssh|g" "$here/25-virtssh.conf"; }

install_drop_in() {
  if [ -e "$drop_in" ] && ! same "$installed" "$drop_in"; then
    put "$draft" "$drop_in.new" 644
    echo "kept $drop_in, which was changed; the new one is $drop_in.new"
  else
    put "$draft" "$drop_in" 644
    rm -f "$drop_in.new"
  fi
  put "$draft" "$installed" 644
  cat "$work/made" >> "$made"
}

install_all() {
  require_root
  require_ssh
  require_machine
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  draft=$work/drop-in
  : > "$work/made"
  write_drop_in > "$draft"
  if [ -e "$drop_in" ] && ! [ -e "$installed" ] && ! same "$draft" "$drop_in"; then
    fail "$drop_in is there already, and not from $prefix" "remove the package, or the other prefix, that it belongs to"
  fi
  list_files | while read -r from to mode; do put "$here/$from" "$to" "$mode"; done
  install_drop_in
  ssh -G qemu/virtssh-install 2> /dev/null | grep -q "^proxycommand .*virtssh proxy" || {
    echo "install.sh: warning: ssh does not read $drop_in" >&2
    echo "install.sh: hint: put this line at the top of /etc/ssh/ssh_config: Include /etc/ssh/ssh_config.d/*.conf" >&2
  }
  echo "installed $("$prefix/bin/virtssh" --version) into $prefix"
}

uninstall_all() {
  require_root
  if ! [ -e "$installed" ]; then fail "virtssh is not installed in $prefix" "name the directory that it is in: --prefix DIR"; fi
  left=
  if ! [ -e "$drop_in" ]; then :; elif same "$installed" "$drop_in"; then rm -f "$drop_in"; elif is_others; then
    left=$bash_completion
    echo "left $drop_in and $left to the other virtssh, which they belong to now"
  else
    mv -f "$drop_in" "$drop_in.saved"
    echo "kept $drop_in, which was changed, as $drop_in.saved"
  fi
  rm -f "$drop_in.new" "$installed"
  list_files | while read -r _ to _; do [ "$to" = "$left" ] || rm -f "$to"; done
  directories=$(sed -n '1!G;h;$p' "$made") # the last one first
  rm -f "$made"
  echo "$directories" | while read -r path; do rmdir "$path" 2> /dev/null || true; done # where others have put files, it stays
  echo "removed virtssh from $prefix; users' pins of host keys are where they were"
}

"${action}_all"
