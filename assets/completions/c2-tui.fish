# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_c2_tui_global_optspecs
    string join \n server= token-file= data-dir= exec= file= json keep-going local keep readonly ascii workspace-root= h/help V/version
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
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l data-dir -d 'Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
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
wake\t''
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
add-worker\t''
upgrade-workers\t''
follow\t''
wait\t''
help\t''"
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l file -d 'Run the commands of a file, one a line, and exit; `#` begins a comment line' -r -F
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l workspace-root -d 'Folder in which an agent started by --local runs its jobs [default: as c2-agent\'s]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l json -d 'Answer each command with one JSON document'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l keep-going -d 'Continue after a command that failed; the exit status is still that of the first failure'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l local -d 'Start c2d and one agent on this machine, or use those that run; what was started ends with this program if all jobs have ended by then, and otherwise runs until `c2-tui stop-local`'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l keep -d 'Leave running what --local started, until `c2-tui stop-local`'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l readonly -d 'Disable all changes, on the full screen'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -l ascii -d 'Draw with plain characters, on the full screen'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -s V -l version -d 'Print version'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "login" -d 'Log in to the c2d that printed LINE with `c2d invite --role operator`'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "logout" -d 'Delete what `login` stored'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "stop-local" -d 'Stop the c2d and the agent that `--local` started and left running; their data stays'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "run" -d 'Run a command as a job: submit it, show what it writes while it writes it, exit with its status'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "mcp" -d 'Serve the Model Context Protocol over standard input and output, for assistants that use tools'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "config" -d 'Print each setting, its value and where that comes from'
complete -c c2-tui -n "__fish_c2_tui_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand login" -l name -d 'The name in c2d\'s list of tokens [default: this user\'s and this machine\'s]' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand login" -s h -l help -d 'Print help'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand logout" -s h -l help -d 'Print help'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand stop-local" -l data-dir -d 'Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand stop-local" -l now -d 'Stop them also while jobs have not ended: what runs continues, and is collected when they run again'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand stop-local" -s h -l help -d 'Print help'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l server -d 'Where c2d is; without it the c2d of this user on this machine' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l token-file -d 'File with the operator token; without it that of this user\'s c2d on this machine' -r -F
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l data-dir -d 'Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l group -d 'Only on workers of this group' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l tags -d 'Locks to hold on the worker while it runs, like `gpu:0,disk`; `gpu` is any free `gpu:N`' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l name -d 'A human-readable name, by which other commands find the job too' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l timeout -d 'End it after this run time, like `90`, `5m` or `2h30m`' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l depends -d 'Start after these jobs succeeded; `any:JOB` after any end, `notok:JOB` after an end without success' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l priority -d 'Higher runs first' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l retries -d 'How often to try again after a failure' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l retry-delay -d 'Rest before the first retry, 1s without it; it doubles each time, up to a minute' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l begin -d 'Not before this time, like `18:00`, `+2h30m` or `2030-01-31T08:00`' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l env -d 'An environment variable of the job' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l stdin-file -d 'A file for its standard input' -r -F
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l upload -d 'A file to place in the job\'s folder, as FILE or FILE:PATH-THERE; several with commas' -r -F
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l download -d 'Files to fetch from the job\'s folder after its end, like `out/*.png`; several with commas' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l exclude -d 'Workers that must not run it, with commas and ranges like `10.0.0.[11-13]`' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l on-lost -d 'What happens when its worker is lost while it runs' -r -f -a "requeue\t''
fail\t''
wait\t''"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l umask -d 'Permissions that files of the job do not get, like `022`; without it only its own user has any' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l worker -d 'Only on this worker, or on one of these, with commas and ranges; a worker that is away is waited for' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l expires -d 'End it as `expired` if it has not started after this time, from its submit or from --begin' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l cwd -d 'Run in this folder of the worker, a full path or ~/DIR; its own folder is then $C2_WORKSPACE' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l shell -d 'The shell that reads the command, by name or path; /bin/sh without it' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l with-files-of -d 'Place the files that these jobs left in its folder; it depends on them' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l share -d 'Only where the agent has this shared folder; $C2_SHARE_NAME says where it is' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l notify -d 'Report its end to this notification' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l batch -d 'The batch that it belongs to; `@batch:NAME` then means all of them' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l cpus -d 'Processors that it takes of its worker; its $OMP_NUM_THREADS' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l memory -d 'Memory that it takes, and its limit, like `8G` or `500M`' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l gpus -d 'Graphics processors that it has to itself, as $CUDA_VISIBLE_DEVICES and $HIP_VISIBLE_DEVICES' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l vram -d 'Memory of each of them; without --gpus on one that it shares' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l need -d 'What `set-resources` counts, and how much of it the job takes, like `license=1`; several with commas' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l same-machine -d 'Run on the worker that ran the dependencies'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l hold -d 'Wait for an operator\'s release before it starts'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand mcp" -l server -d 'Where c2d is; without it the c2d of this user on this machine' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand mcp" -l token-file -d 'File with the operator token; without it that of this user\'s c2d on this machine' -r -F
complete -c c2-tui -n "__fish_c2_tui_using_subcommand mcp" -l data-dir -d 'Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand mcp" -l allow-changes -d 'Offer tools that submit, cancel, retry, hold and release jobs; without it all tools only read'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand mcp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand config" -l server -d 'Where c2d is; without it the c2d of this user on this machine' -r -f
complete -c c2-tui -n "__fish_c2_tui_using_subcommand config" -l token-file -d 'File with the operator token; without it that of this user\'s c2d on this machine' -r -F
complete -c c2-tui -n "__fish_c2_tui_using_subcommand config" -l data-dir -d 'Folder of c2d [default: c2d in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand config" -l json -d 'Print one JSON document'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand config" -s h -l help -d 'Print help'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "login" -d 'Log in to the c2d that printed LINE with `c2d invite --role operator`'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "logout" -d 'Delete what `login` stored'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "stop-local" -d 'Stop the c2d and the agent that `--local` started and left running; their data stays'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "run" -d 'Run a command as a job: submit it, show what it writes while it writes it, exit with its status'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "mcp" -d 'Serve the Model Context Protocol over standard input and output, for assistants that use tools'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "config" -d 'Print each setting, its value and where that comes from'
complete -c c2-tui -n "__fish_c2_tui_using_subcommand help; and not __fish_seen_subcommand_from login logout stop-local run mcp config help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2-tui -l exec -x -a "list doctor groups assign unassign info set-tags set-resources get-tags detect-tags drain resume wake remove-worker jobs job submit batch batches split schedule notify cancel hold release change top bottom retry why pause unpause queue-status stats timeline log output get-files cleanup-workspaces pdsh copy verify-ssh add-worker upgrade-workers follow wait help"

function __c2_tui_names
    set -l program (commandline -opc)[1]
    $program complete -- (commandline -cp | string collect) 2>/dev/null
end
complete -c c2-tui -l exec -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l group -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l tags -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l depends -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l exclude -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l worker -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l with-files-of -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l notify -x -a "(__c2_tui_names)"
complete -c c2-tui -n "__fish_c2_tui_using_subcommand run" -l batch -x -a "(__c2_tui_names)"
