# The life of the packages on one machine, in /run/given/1 and their next revision in /run/given/2.
# No systemd runs in here. A systemctl that notes what it is asked for takes its place, and this script starts and
# stops the services as their units say. What changes files alone is done by the real one.
set -eu
# `set -e` does not see what stands in a condition; these say what failed and end.
fail() { echo "FAILED: $*"; cat /run/*.log; exit 1; }
is() { "$@" >/dev/null 2>&1 || fail "$*"; }
gone() { for path; do [ ! -e "$path" ] && [ ! -L "$path" ] || fail "$path is there"; done; }
until_it() { for _ in $(seq 300); do ! "$@" >/dev/null 2>&1 || return 0; sleep 0.1; done; fail "$* in 30 s"; }
asked() { is grep -qxF -- "$1" /run/asked.log; }

mkdir -p /run/systemd/system
cat >/usr/local/sbin/systemctl <<'END'
#!/bin/sh
echo "$*" >>/run/asked.log
case "$*" in
    --root=/*) exec /usr/bin/systemctl "$@" ;;
    *is-enabled*) echo enabled ;;
esac
END
chmod +x /usr/local/sbin/systemctl

as() { # user, command
    user=$1
    shift
    ${become:-} setpriv --reuid "$user" --regid "$user" --init-groups \
        env -i "HOME=$(getent passwd "$user" | cut -d: -f6)" PATH=/usr/bin:/bin "$@"
}
start() { # unit, user, settings; sets `started`
    log=/run/$2.log
    # shellcheck disable=SC2046
    become=exec as "$2" env $(sed '/^#/d; /^$/d' "$3") $(sed -n 's/^ExecStart=//p' "/usr/lib/systemd/system/$1") >>"$log" 2>&1 &
    started=$!
}
start_c2d() { start c2d.service c2 /etc/default/c2d; c2d=$started; until_it console queue-status; }
start_agent() { start c2-agent@.service c2-jobs /etc/default/c2-agent; agent=$started; }
stop() { kill "$1"; wait "$1" || true; }
console() { as c2 c2-tui --data-dir /var/lib/c2d --exec "$1"; }
install() { dpkg --force-unsafe-io -i /run/given/"$1"/*.deb >>/run/dpkg.log 2>&1 || fail "install $1"; }

echo installed
install 1
asked '--quiet --system start c2d.service'
is test -L /etc/systemd/system/multi-user.target.wants/c2d.service
[ "$(dpkg -V c2d c2-agent c2-tui)" = "" ] || fail "files are not those of the packages"
for path in "c2-jobs 700 /var/lib/c2-jobs" "c2-jobs 700 /tmp/C2" "root 644 /etc/default/c2d"; do
    [ "$(stat -c '%U %a' "${path##* }") ${path##* }" = "$path" ] || fail "$path"
done
# systemd makes it for StateDirectory=.
is mkdir -m 700 /var/lib/c2d
chown c2:c2 /var/lib/c2d

echo working
echo C2_HOST=10.0.0.6 >>/etc/default/c2d
start_c2d
as c2 c2d --data-dir /var/lib/c2d invite >/run/invitation
is as c2-jobs c2-agent join "$(grep -o 'c2j1[^ ]*@10.0.0.6:30814' /run/invitation)"
start_agent
is console 'submit "echo $$ >/tmp/began; until [ -e /tmp/go ]; do sleep 0.1; done; echo survived"'
until_it test -s /tmp/began
job=$(cat /tmp/began)

echo upgraded
: >/run/asked.log
install 2
asked 'try-restart c2d.service'
asked 'try-restart c2-agent@*.service'
is grep -qx C2_HOST=10.0.0.6 /etc/default/c2d
stop "$c2d"
stop "$agent"
is kill -0 "$job"
start_c2d
start_agent
is kill -0 "$job"
touch /tmp/go
console 'output job-1 --follow' >/run/output
is grep -qx survived /run/output
as c2 c2-tui --data-dir /var/lib/c2d --json --exec 'why job-1' >/run/why.log
is grep -q '"state":"succeeded".*"attempt":1,' /run/why.log

echo removed
: >/run/asked.log
dpkg --force-unsafe-io -r c2d c2-agent c2-tui >>/run/dpkg.log 2>&1 || fail remove
asked 'stop c2d.service'
asked 'stop c2-agent@*.service'
stop "$c2d"
stop "$agent"
gone /usr/bin/c2d /usr/bin/c2-agent /usr/bin/c2-tui /usr/lib/systemd/system/c2d.service
for path in /var/lib/c2d/operator.token /etc/default/c2d /etc/default/c2-agent /var/lib/c2-jobs/.local; do
    is test -e "$path"
done

echo "installed again"
install 2
is test -L /etc/systemd/system/multi-user.target.wants/c2d.service
gone /etc/systemd/system/c2d.service
start_c2d
console 'output job-1' >/run/output
is grep -qx survived /run/output
stop "$c2d"

echo purged
dpkg --force-unsafe-io -P c2d c2-agent c2-tui >>/run/dpkg.log 2>&1 || fail purge
gone /var/lib/c2d /var/lib/c2-jobs /tmp/C2 /etc/default/c2d /etc/default/c2-agent
gone /etc/systemd/system/c2d.service /etc/systemd/system/multi-user.target.wants/c2d.service
for name in c2d c2-agent c2-tui; do
    ! dpkg -s "$name" >/dev/null 2>&1 || fail "$name is known"
    [ "$(find /usr /etc -path '*/C2' -prune -o -name "$name*" -print)" = "" ] || fail "files of $name are left"
done
echo done
