# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_c2_agent_global_optspecs
    string join \n server= address= slots= workspace-root= state-dir= token-file= yield-to= idle-suspend= via= partition= config= h/help V/version
end

function __fish_c2_agent_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_c2_agent_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_c2_agent_using_subcommand
    set -l cmd (__fish_c2_agent_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c c2-agent -n "__fish_c2_agent_needs_command" -l server -d 'Where c2d is, as HOST or HOST:PORT' -r -f
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l address -d 'This worker\'s address, where the machine has several' -r -f
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l slots -d 'Jobs to run at once; `auto` is one for each processor [default: 4]' -r -f
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l workspace-root -d 'Folder of the job workspaces [default: /tmp/C2; /tmp/C2-UID if that belongs to another user]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l state-dir -d 'Folder of the agent\'s own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l token-file -d 'File with the worker token [default: that of `join`, else that of a c2d on this machine]' -r -F
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l yield-to -d 'Let jobs stand still, and start none, while others need this machine: a person at a terminal or a screen, a process on a GPU that is no job\'s, or the battery [default: none]' -r -f -a "user\t''
gpu\t''
battery\t''"
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l idle-suspend -d 'Let the machine sleep when it had nothing to do for so long, no one uses it and c2d agrees [default: never]' -r -f
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l via -d 'Give jobs to the cluster of this scheduler instead of running them here: `slurm`; workspaces must be on a folder that its nodes share [default: none]' -r -f -a "slurm\t''"
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l partition -d 'The partition of the cluster for them [default: the cluster\'s own choice]' -r -f
complete -c c2-agent -n "__fish_c2_agent_needs_command" -l config -d 'Configuration file [default: c2-agent/config.json in $XDG_CONFIG_HOME or ~/.config]' -r -F
complete -c c2-agent -n "__fish_c2_agent_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -s V -l version -d 'Print version'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -f -a "join" -d 'Join the c2d that printed LINE with `c2d invite`, as a worker'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -f -a "reset-identity" -d 'Give this machine a new identity, where its state folder is a copy of another machine\'s'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -f -a "doctor" -d 'Check whether this machine can be a worker: c2d, clock, workspaces, disk space, GPU'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -f -a "config" -d 'Print each setting, its value and where that comes from'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -f -a "install" -d 'Install the agent as a systemd service: for the system as root, otherwise for this user'
complete -c c2-agent -n "__fish_c2_agent_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand join" -l name -d 'The name in c2d\'s list of tokens [default: this machine\'s]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand join" -l state-dir -d 'Folder of the agent\'s own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand join" -l find -d 'Find the c2d that announces itself in this machine\'s network, and join it with six words'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand join" -s h -l help -d 'Print help'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand reset-identity" -l state-dir -d 'Folder of the agent\'s own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand reset-identity" -s h -l help -d 'Print help'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l server -d 'Where c2d is, as HOST or HOST:PORT' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l address -d 'This worker\'s address, where the machine has several' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l slots -d 'Jobs to run at once; `auto` is one for each processor [default: 4]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l workspace-root -d 'Folder of the job workspaces [default: /tmp/C2; /tmp/C2-UID if that belongs to another user]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l state-dir -d 'Folder of the agent\'s own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l token-file -d 'File with the worker token [default: that of `join`, else that of a c2d on this machine]' -r -F
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l yield-to -d 'Let jobs stand still, and start none, while others need this machine: a person at a terminal or a screen, a process on a GPU that is no job\'s, or the battery [default: none]' -r -f -a "user\t''
gpu\t''
battery\t''"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l idle-suspend -d 'Let the machine sleep when it had nothing to do for so long, no one uses it and c2d agrees [default: never]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l via -d 'Give jobs to the cluster of this scheduler instead of running them here: `slurm`; workspaces must be on a folder that its nodes share [default: none]' -r -f -a "slurm\t''"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l partition -d 'The partition of the cluster for them [default: the cluster\'s own choice]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -l config -d 'Configuration file [default: c2-agent/config.json in $XDG_CONFIG_HOME or ~/.config]' -r -F
complete -c c2-agent -n "__fish_c2_agent_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l server -d 'Where c2d is, as HOST or HOST:PORT' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l address -d 'This worker\'s address, where the machine has several' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l slots -d 'Jobs to run at once; `auto` is one for each processor [default: 4]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l workspace-root -d 'Folder of the job workspaces [default: /tmp/C2; /tmp/C2-UID if that belongs to another user]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l state-dir -d 'Folder of the agent\'s own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l token-file -d 'File with the worker token [default: that of `join`, else that of a c2d on this machine]' -r -F
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l yield-to -d 'Let jobs stand still, and start none, while others need this machine: a person at a terminal or a screen, a process on a GPU that is no job\'s, or the battery [default: none]' -r -f -a "user\t''
gpu\t''
battery\t''"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l idle-suspend -d 'Let the machine sleep when it had nothing to do for so long, no one uses it and c2d agrees [default: never]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l via -d 'Give jobs to the cluster of this scheduler instead of running them here: `slurm`; workspaces must be on a folder that its nodes share [default: none]' -r -f -a "slurm\t''"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l partition -d 'The partition of the cluster for them [default: the cluster\'s own choice]' -r -f
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l config -d 'Configuration file [default: c2-agent/config.json in $XDG_CONFIG_HOME or ~/.config]' -r -F
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -l json -d 'Print one JSON document'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand config" -s h -l help -d 'Print help'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand install" -l root -d 'Write below this folder instead of /, for packages and images' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand install" -l bin-dir -d 'Where the programs will be [default: where this one is; /usr/bin with --root]' -r -f -a "(__fish_complete_directories)"
complete -c c2-agent -n "__fish_c2_agent_using_subcommand install" -l dry-run -d 'Show the files and write nothing'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand install" -s h -l help -d 'Print help'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand help; and not __fish_seen_subcommand_from join reset-identity doctor config install help" -f -a "join" -d 'Join the c2d that printed LINE with `c2d invite`, as a worker'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand help; and not __fish_seen_subcommand_from join reset-identity doctor config install help" -f -a "reset-identity" -d 'Give this machine a new identity, where its state folder is a copy of another machine\'s'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand help; and not __fish_seen_subcommand_from join reset-identity doctor config install help" -f -a "doctor" -d 'Check whether this machine can be a worker: c2d, clock, workspaces, disk space, GPU'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand help; and not __fish_seen_subcommand_from join reset-identity doctor config install help" -f -a "config" -d 'Print each setting, its value and where that comes from'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand help; and not __fish_seen_subcommand_from join reset-identity doctor config install help" -f -a "install" -d 'Install the agent as a systemd service: for the system as root, otherwise for this user'
complete -c c2-agent -n "__fish_c2_agent_using_subcommand help; and not __fish_seen_subcommand_from join reset-identity doctor config install help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2-agent -l yield-to -x -a "user gpu battery"
complete -c c2-agent -l via -x -a "slurm"
