#!/usr/bin/env bash
# Lines of product code without its tests, for each crate and in all: lines.sh [REVISION]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
revision=${1:-HEAD}
git ls-tree -r --name-only "$revision" |
    grep -E '^(shared|c2d|c2-agent|c2-tui)/src/.*\.rs$' |
    grep -vE '(^|/)(tests|[a-z0-9_]+_tests)(\.rs|/)' |
    while read -r file; do
        # Tests inside a file: from `#[cfg(test)]` before `mod tests {` to the brace that closes it.
        git show "$revision:$file" | awk -v crate="${file%%/*}" '
            held && /^mod [a-z_]+ \{$/ { inside = 1; held = 0 }
            held { lines++; held = 0 }
            inside { if (/^}/) inside = 0; next }
            /^#\[cfg\(test\)\]$/ { held = 1; next }
            { lines++ }
            END { print crate, lines + held }'
    done |
    awk '{ lines[$1] += $2; all += $2 } END { for (crate in lines) print crate, lines[crate]; print "all", all }' | sort
