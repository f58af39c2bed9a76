# virtssh for fish: completes its own words, and guests after ssh, scp, sftp and rsync, besides what is completed there already.
# For everybody it goes into /usr/share/fish/vendor_conf.d/; for one user, this goes into ~/.config/fish/config.fish:
# virtssh completion fish | source

function __virtssh_words
    set -l before (commandline -opc)
    set -l word (commandline -ct)
    set -l lines (command virtssh complete -- $before[2..-1] "$word" 2>/dev/null)
    if string match -q -r '^\t' -- "$lines[1]"
        __fish_complete_path "$word"
    else
        for line in $lines
            printf '%s\n' $line
        end
    end
end

# Guests that the current word could become, with TAIL after each; none that matches the pattern UNFIT.
function __virtssh_guests --argument-names unfit tail
    set -l word (commandline -ct)
    set -l head (string match -r '^.*@' -- "$word")
    set -l host (string replace -r '^.*@' '' -- "$word")
    for line in (command virtssh complete -- resolve "$host" 2>/dev/null)
        set -l parts (string split -m 1 \t -- $line)
        string match -q -r -- $unfit $parts[1]
        or printf '%s%s%s\t%s\n' "$head" $parts[1] "$tail" $parts[2]
    end
end

complete -c virtssh -f -a '(__virtssh_words)'

complete -c ssh -n 'test (__fish_number_of_cmd_args_wo_opts) -lt 2' -a '(__virtssh_guests "^\$")'
complete -c sftp -a '(__virtssh_guests ":")'
# These would read a path where there is a slash or a colon.
complete -c scp -n 'not string match -q "*:*" -- (commandline -ct)' -a '(__virtssh_guests "[:/]" :)'
complete -c rsync -n 'not string match -q "*:*" -- (commandline -ct)' -a '(__virtssh_guests "[:/]" :)'
