#compdef virtssh
# virtssh for zsh: completes its own words, and guests after ssh, scp, sftp and rsync, besides what is completed there already.
# For all of it, this goes into ~/.zshrc, after compinit: source <(virtssh completion zsh)
# As the file _virtssh in a directory of $fpath it completes virtssh's own words alone, until the first of them.

_virtssh() {
  local -a lines
  lines=("${(@f)$(command virtssh complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)}")
  if [[ $lines[1] == $'\t'* ]]; then
    _files
    return
  fi
  lines=(${lines//:/\\:})
  lines=("${(@)lines/$'\t'/:}")
  _describe -t virtssh virtssh lines
}

# What FUNCTION finds, and the guests that fit where it is called.
_virtssh_hosts() { # FUNCTION ARGUMENT...
  local own=$1 found=1
  local -a guests
  shift
  "$own" "$@" && found=0
  guests=(${${(f)"$(command virtssh complete -- resolve "${(Q)PREFIX}" 2> /dev/null)"}%%$'\t'*})
  case $service in
    (sftp) guests=(${guests:#*:*}) ;;
    (scp|rsync) guests=(${guests:#*[:/]*}) ;; # which would read a path
  esac
  (( $#guests )) && compadd -a "${(@)@:#-}" - guests && found=0
  return found
}

# ssh, scp and sftp ask _ssh_hosts for hosts, and that asks _hosts; rsync asks _hosts itself.
if (( $+functions[compdef] && ! $+functions[_virtssh_own_hosts] )); then
  autoload +X -Uz _ssh_hosts _hosts
  functions[_virtssh_own_ssh_hosts]=$functions[_ssh_hosts]
  functions[_virtssh_own_hosts]=$functions[_hosts]
  _ssh_hosts() { _virtssh_hosts _virtssh_own_ssh_hosts "$@" }
  _hosts() {
    if [[ $service == rsync ]]; then _virtssh_hosts _virtssh_own_hosts "$@"; else _virtssh_own_hosts "$@"; fi
  }
fi

if [[ $funcstack[1] == _virtssh ]]; then
  _virtssh "$@"
elif (( $+functions[compdef] )); then
  compdef _virtssh virtssh
fi
