# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_c2_tui_global_optspecs
    string join \n server= token-file= exec= file= json keep-going local keep readonly ascii data-dir= workspace-root= h/help V/version
end

function __fish_c2_tui_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_c2_tui_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_c2_tui_using_subcommand
    set -l cmd (__fish_c2_tui_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c c2-tui -n "__fish_c2_tui_needs_command" -l server -d 'Where c2d is; without it the c2d of this user on this machine' -r -f
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l token-file -d 'File with the operator token; without it that of this user\'s c2d on this machine' -r -F
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l exec -d 'Run a command and exit, `-` for commands from standard input; may be repeated' -r -f -a "list\t''
doctor\t''
groups\t''
assign\t''
unassign\t''
info\t''
set-tags\t''
set-resources\t''
get-tags\t''
detect-tags\t''
drain\t''
resume\t''
remove-worker\t''
jobs\t''
job\t''
submit\t''
batch\t''
batches\t''
split\t''
schedule\t''
notify\t''
cancel\t''
hold\t''
release\t''
change\t''
top\t''
bottom\t''
retry\t''
why\t''
pause\t''
unpause\t''
queue-status\t''
stats\t''
timeline\t''
log\t''
output\t''
get-files\t''
cleanup-workspaces\t''
pdsh\t''
copy\t''
verify-ssh\t''
follow\t''
wait\t''
help\t''"
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l file -d 'Run the commands of a file, one a line, and exit; `#` begins a comment line' -r -F
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l data-dir -d 'Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l workspace-root -d 'Folder in which an agent started by --local runs its jobs [default: as c2-agent\'s]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l json -d 'Answer each command with one JSON document'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l keep-going -d 'Continue after a command that failed; the exit status is still that of the first failure'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l local -d 'Start c2d and one agent on this machine, or use those that run; what was started ends with this program, but not before all jobs have ended'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l keep -d 'Leave running what --local started'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l readonly -d 'Disable all changes, on the full screen'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l ascii -d 'Draw with plain characters, on the full screen'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -s V -l version -d 'Print version'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "login" -d 'Log in to the c2d that printed LINE with `c2d invite --role operator`'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "logout" -d 'Delete what `login` stored'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand login" -l name -d 'The name in c2d\'s list of tokens [default: this user\'s and this machine\'s]' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand login" -s h -l help -d 'Print help'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand logout" -s h -l help -d 'Print help'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout help" -f -a "login" -d 'Log in to the c2d that printed LINE with `c2d invite --role operator`'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout help" -f -a "logout" -d 'Delete what `login` stored'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2-tui -l exec -x -a "list doctor groups assign unassign info set-tags set-resources get-tags detect-tags drain resume remove-worker jobs job submit batch batches split schedule notify cancel hold release change top bottom retry why pause unpause queue-status stats timeline log output get-files cleanup-workspaces pdsh copy verify-ssh follow wait help"
