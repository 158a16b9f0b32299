# fish completion for virt-audit
#
# virt-audit itself prints the candidates at the cursor, see cmd/virt-audit/internal/completion. File names are
# completed here.

# Prints the files whose names begin with a text that may be quoted. ENDING limits them to files with such an
# ending, and directories; the ending "/" means only directories.
function __virt_audit_files # TEXT ENDING...
    set -l there
    set -l found (complete -C "'' $argv[1]")
    set -l endings $argv[2..]
    # fish completes after ":" and "=" too, as if a name began there.
    if string match -q -r '[:=]' -- $argv[1]
        for name in $found
            test -e (string replace -r '^~' -- "$HOME" $name); and set -a there $name
        end
        set found $there
    end
    if test -n "$endings"
        string match -r -- '^.*(?:/|\.(?:'(string join '|' -- $endings)'))$' $found
    else
        string join \n -- $found
    end
end

function __virt_audit_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l prefix ''
    set -l matched
    set -l names
    set -l program $words[1]
    type -q -f -- $program; or set program virt-audit # an alias has another name
    for line in (command $program completion words -- $words[2..] "$token" 2>/dev/null)
        set -l field (string split -m 2 \t -- $line)
        switch $field[1]
            case prefix
                set prefix $field[2]
            case word
                string match -q -- (string sub -l (string length -- "$token") -- "$prefix$field[2]") "$token"
                and set matched yes
                printf '%s%s\t%s\n' "$prefix" $field[2] "$field[3]"
            case files
                set -l rest (string sub -s (math 1 + (string length -- "$prefix")) -- "$token")
                set names (__virt_audit_files "$rest" (string split -n ' ' -- "$field[2]"))
                # Fall back to all files: a domain may be in a file of any name.
                if test -z "$names" -a -z "$matched" -a "$field[2]" != /
                    set names (__virt_audit_files "$rest")
                end
                for name in $names
                    printf '%s%s\n' "$prefix" $name
                end
        end
    end
end

complete -c virt-audit -f -a '(__virt_audit_complete)'
