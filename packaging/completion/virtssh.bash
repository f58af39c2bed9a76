# shellcheck shell=bash
# virtssh for bash: completes its own words, and guests after ssh, scp, sftp and rsync, besides what is completed there already.
# For everybody it goes into /etc/bash_completion.d/; for one user, this goes into ~/.bashrc: source <(virtssh completion bash)

# What `virtssh complete` says to these words, without its descriptions, into the array `answers`: candidates, or an empty one where
# the names of files are meant.
_virtssh_ask() {
    mapfile -t answers < <(command virtssh complete -- "$@" 2> /dev/null)
    answers=("${answers[@]%%$'\t'*}")
}

# The words up to the cursor into the array `words`. COMP_WORDS has them broken at the marks in COMP_WORDBREAKS.
_virtssh_read_words() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<< "$line"
    if [[ $line == *[[:space:]] ]]; then words+=(''); fi
}

# Adds `answers` to COMPREPLY, without what readline takes for another word: the current one, up to the last such mark.
_virtssh_reply() { # CURRENT-WORD
    local mark rest=$1
    for mark in : =; do
        if [[ $COMP_WORDBREAKS == *"$mark"* ]]; then rest=${rest##*"$mark"}; fi
    done
    # This one begins the next word (rl_special_prefixes); with `shopt -u hostcomplete` it is not in the list.
    if [[ $COMP_WORDBREAKS == *@* && $rest == *@* ]]; then rest=@${rest##*@}; fi
    COMPREPLY+=("${answers[@]#"${1%"$rest"}"}")
}

_virtssh() {
    local words answers
    _virtssh_read_words
    COMPREPLY=()
    _virtssh_ask "${words[@]:1}"
    if [[ ${#answers[@]} -gt 0 && -z ${answers[0]} ]]; then
        compopt -o default # names of files, as readline itself completes them
    else
        _virtssh_reply "${words[@]: -1}"
    fi
}

# By command: its options of one letter that take a value; and the function that completes it without us, `?` as long as that
# is not known.
declare -gA _virtssh_valued=(
    [ssh]=BbcDEeFIiJLlmOopPQRSWw [scp]=cDFiJloPSX [sftp]=BbcDFiJloPRSsX [rsync]=BefMT
)
declare -gA _virtssh_own

# What a target may not look like where the last of `words` stands, into `unfit`. Fails where no host is to be named.
_virtssh_find_unfit() { # COMMAND
    local at last=$((${#words[@]} - 1))
    case $1 in
        ssh) unfit='' ;;
        sftp) unfit='*:*' ;;
        *) unfit='*[:/]*' ;; # scp and rsync would read a path
    esac
    for ((at = 1; at < last; at++)); do
        if [[ ${words[at]} =~ ^-[[:alnum:]]*([${_virtssh_valued[$1]}])$ ]]; then
            ((++at < last)) && continue
            unfit='*[:/%]*' # ssh makes a ProxyCommand of a jump host
            [[ ${BASH_REMATCH[1]} == J && $1 != rsync ]]
            return
        fi
        if [[ $1 == ssh && ${words[at]} != -* ]]; then return 1; fi # what follows the host is a command
    done
    [[ ${words[last]} != -* ]]
}

_virtssh_add_guests() { # COMMAND
    local words answers unfit
    _virtssh_read_words
    _virtssh_find_unfit "$1" || return
    local word=${words[-1]} tail=''
    local host=${word##*[@,]}
    local head=${word%"$host"} guest guests=()
    if [[ $1 == scp || $1 == rsync ]]; then tail=:; fi
    # shellcheck disable=SC2053 # unfit is a pattern
    if [[ -n $unfit && $host == $unfit ]]; then return; fi
    # Without a completion of its own the command has its files completed where we have nothing to say. In a subshell: compgen -f
    # has readline take our answers for files, too.
    if [[ -n $tail && -z ${_virtssh_own[$1]} ]] && (compgen -f -- "$word") > /dev/null; then return; fi
    _virtssh_ask resolve "$host"
    for guest in "${answers[@]}"; do
        # shellcheck disable=SC2053
        if [[ -z $unfit || $guest != $unfit ]]; then guests+=("$head$guest$tail"); fi
    done
    answers=("${guests[@]}")
    if [[ -n $tail && ${#answers[@]} -gt 0 ]]; then compopt -o nospace 2> /dev/null; fi
    _virtssh_reply "$word"
}

_virtssh_host() {
    local command=${1##*/}
    if [[ ${_virtssh_own[$command]} == '?' ]]; then
        _virtssh_load
        return 124 # bash starts again, with the options that the command's own completion has
    fi
    COMPREPLY=()
    if [[ -n ${_virtssh_own[$command]} ]]; then "${_virtssh_own[$command]}" "$@"; fi
    _virtssh_add_guests "$command"
}

# bash-completion loads what it has for a command when that is first completed, and puts it in the place of what is there. All
# at once: its file for ssh is the one for scp and sftp, too, and rsync's has it loaded. _comp_load is its name from 2.12 on.
_virtssh_load() {
    local command
    for command in "${!_virtssh_own[@]}"; do
        if [[ ${_virtssh_own[$command]} != '?' ]]; then continue; fi
        _virtssh_own[$command]=''
        complete -r "$command"
        { _comp_load "$command" || __load_completion "$command"; } &> /dev/null
        complete -p "$command" &> /dev/null || _virtssh_register "$command"
    done
    local names=("${!_virtssh_own[@]}") paths
    mapfile -t paths < <(type -P "${names[@]}") # bash-completion has these, too
    _virtssh_wrap "${names[@]}" "${paths[@]}"
}

_virtssh_register() { # COMMAND
    complete -o bashdefault -o default -F _virtssh_host "$1"
}

# Puts us in front of the functions that complete these commands by now.
_virtssh_wrap() { # COMMAND...
    local spec command own
    while read -r spec; do
        if [[ ! $spec =~ ' -F '([^ ]+)' ' ]]; then continue; fi
        own=${BASH_REMATCH[1]}
        command=${spec##*[ /]}
        if [[ $own == _virtssh_host ]]; then continue; fi
        _virtssh_own[$command]=$own
        eval "${spec/ -F $own / -F _virtssh_host }"
    done < <(complete -p "$@" 2> /dev/null)
}

_virtssh_begin() {
    local command
    complete -F _virtssh virtssh
    _virtssh_wrap "${!_virtssh_valued[@]}"
    for command in "${!_virtssh_valued[@]}"; do
        # What somebody completes by other means than a function stays as it is.
        if complete -p "$command" &> /dev/null; then continue; fi
        _virtssh_own[$command]='?'
        _virtssh_register "$command"
    done
}

_virtssh_begin
