# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_c2d_global_optspecs
    string join \n data-dir= config= host= port= store= h/help V/version
end

function __fish_c2d_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_c2d_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_c2d_using_subcommand
    set -l cmd (__fish_c2d_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c c2d -n "__fish_c2d_needs_command" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_needs_command" -l config -d 'Configuration file [default: config.json in the data folder, if it is there]' -r -F
complete -c c2d -n "__fish_c2d_needs_command" -l host -d 'Address to listen on' -r -f
complete -c c2d -n "__fish_c2d_needs_command" -l port -d 'Port to listen on; 0 takes any free one' -r -f
complete -c c2d -n "__fish_c2d_needs_command" -l store -d 'PostgreSQL database to keep everything in, like postgres://c2@10.0.0.5/c2; the password belongs into ~/.pgpass [default: SQLite in the data folder]' -r -f
complete -c c2d -n "__fish_c2d_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c c2d -n "__fish_c2d_needs_command" -s V -l version -d 'Print version'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "invite" -d 'Print a line for `c2-agent join` on another machine, or for `c2-tui login`'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "gc" -d 'Remove all files that no job uses'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "token" -d 'Manage issued tokens'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "backup" -d 'Write everything that c2d stores to one file; c2d may be running'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "restore" -d 'Restore a backup and keep the old data folder beside it; c2d must not run'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "check" -d 'Check the data folder for problems; changes nothing'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "migrate" -d 'Move everything from a data folder to an empty PostgreSQL database, or back; no c2d may run on either'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "authority" -d 'Manage the certificate authority that machines know this c2d by'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "config" -d 'Print each setting, its value and where that comes from'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "install" -d 'Install c2d as a systemd service: for the system as root, otherwise for this user'
complete -c c2d -n "__fish_c2d_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l role -d 'Role of the machine that uses the line' -r -f -a "worker\t''
operator\t''
viewer\t''"
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l uses -d 'How many machines may use the line' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l for -d 'How long the line is valid, like 90, 30m, 2h' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l as -d 'Give the machine that uses the line the identity of this worker, after a reinstallation' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l address -d 'The address at which other machines find this one [default: the one that c2d listens on]' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand invite" -l announce -d 'Announce this c2d in its network meanwhile, an hour at most: workers find it with `c2-agent join --find`, and join with six words'
complete -c c2d -n "__fish_c2d_using_subcommand invite" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand gc" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand gc" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand token; and not __fish_seen_subcommand_from list revoke rotate help" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand token; and not __fish_seen_subcommand_from list revoke rotate help" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand token; and not __fish_seen_subcommand_from list revoke rotate help" -f -a "list" -d 'List all tokens, without their secrets'
complete -c c2d -n "__fish_c2d_using_subcommand token; and not __fish_seen_subcommand_from list revoke rotate help" -f -a "revoke" -d 'Revoke a token'
complete -c c2d -n "__fish_c2d_using_subcommand token; and not __fish_seen_subcommand_from list revoke rotate help" -f -a "rotate" -d 'Replace a token in c2d\'s folder; the old one is revoked'
complete -c c2d -n "__fish_c2d_using_subcommand token; and not __fish_seen_subcommand_from list revoke rotate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from list" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from revoke" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from rotate" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "list" -d 'List all tokens, without their secrets'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke a token'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Replace a token in c2d\'s folder; the old one is revoked'
complete -c c2d -n "__fish_c2d_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2d -n "__fish_c2d_using_subcommand backup" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand backup" -l force -d 'Replace a file of this name'
complete -c c2d -n "__fish_c2d_using_subcommand backup" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand restore" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand restore" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand check" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand check" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand migrate" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and not __fish_seen_subcommand_from show rotate help" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand authority; and not __fish_seen_subcommand_from show rotate help" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and not __fish_seen_subcommand_from show rotate help" -f -a "show" -d 'Print the certificate of the authority, by which clients in other languages know c2d; it is no secret'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and not __fish_seen_subcommand_from show rotate help" -f -a "rotate" -d 'Make a new authority, and honour the old one until all machines know the new one; c2d must not run'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and not __fish_seen_subcommand_from show rotate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from show" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from rotate" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from rotate" -l now -d 'After a backup was stolen: end the old authority and the tokens in c2d\'s folder at once; all other machines must join or log in again'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the certificate of the authority, by which clients in other languages know c2d; it is no secret'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Make a new authority, and honour the old one until all machines know the new one; c2d must not run'
complete -c c2d -n "__fish_c2d_using_subcommand authority; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2d -n "__fish_c2d_using_subcommand config" -l config -d 'Configuration file [default: config.json in the data folder, if it is there]' -r -F
complete -c c2d -n "__fish_c2d_using_subcommand config" -l host -d 'Address to listen on' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand config" -l port -d 'Port to listen on; 0 takes any free one' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand config" -l store -d 'PostgreSQL database to keep everything in, like postgres://c2@10.0.0.5/c2; the password belongs into ~/.pgpass [default: SQLite in the data folder]' -r -f
complete -c c2d -n "__fish_c2d_using_subcommand config" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand config" -l json -d 'Print one JSON document'
complete -c c2d -n "__fish_c2d_using_subcommand config" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand install" -l root -d 'Write below this folder instead of /, for packages and images' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand install" -l bin-dir -d 'Where the programs will be [default: where this one is; /usr/bin with --root]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand install" -l data-dir -d 'Folder for everything that c2d keeps [default: ~/.local/state/c2d]' -r -f -a "(__fish_complete_directories)"
complete -c c2d -n "__fish_c2d_using_subcommand install" -l dry-run -d 'Show the files and write nothing'
complete -c c2d -n "__fish_c2d_using_subcommand install" -s h -l help -d 'Print help'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "invite" -d 'Print a line for `c2-agent join` on another machine, or for `c2-tui login`'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "gc" -d 'Remove all files that no job uses'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "token" -d 'Manage issued tokens'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "backup" -d 'Write everything that c2d stores to one file; c2d may be running'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "restore" -d 'Restore a backup and keep the old data folder beside it; c2d must not run'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "check" -d 'Check the data folder for problems; changes nothing'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "migrate" -d 'Move everything from a data folder to an empty PostgreSQL database, or back; no c2d may run on either'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "authority" -d 'Manage the certificate authority that machines know this c2d by'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "config" -d 'Print each setting, its value and where that comes from'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "install" -d 'Install c2d as a systemd service: for the system as root, otherwise for this user'
complete -c c2d -n "__fish_c2d_using_subcommand help; and not __fish_seen_subcommand_from invite gc token backup restore check migrate authority config install help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c c2d -n "__fish_c2d_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List all tokens, without their secrets'
complete -c c2d -n "__fish_c2d_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Revoke a token'
complete -c c2d -n "__fish_c2d_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "rotate" -d 'Replace a token in c2d\'s folder; the old one is revoked'
complete -c c2d -n "__fish_c2d_using_subcommand help; and __fish_seen_subcommand_from authority" -f -a "show" -d 'Print the certificate of the authority, by which clients in other languages know c2d; it is no secret'
complete -c c2d -n "__fish_c2d_using_subcommand help; and __fish_seen_subcommand_from authority" -f -a "rotate" -d 'Make a new authority, and honour the old one until all machines know the new one; c2d must not run'
complete -c c2d -n "__fish_seen_subcommand_from token; and __fish_seen_subcommand_from rotate" -f -a "operator worker"
