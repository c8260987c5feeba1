# Machines that `add-worker` meets, on one machine of its own: sshd on several addresses of it. The programs are in
# /run/given. No systemd runs in here: a systemctl that starts and ends the agent as its unit says takes its place.
set -eu
export HOME=/root
fail() { echo "FAILED: $*"; cat /run/said /run/*.log; exit 1; }
gone() { for path; do [ ! -e "$path" ] && [ ! -L "$path" ] || fail "$path is there"; done; }
until_it() { for _ in $(seq 300); do ! "$@" >/dev/null 2>&1 || return 0; sleep 0.1; done; fail "$* in 30 s"; }
has() { grep -q -- "$1" /run/said || fail "no $1"; }

for address in 7 8 9 10; do ip address add 10.0.0.$address/32 dev lo; done
rm -rf $HOME/.ssh /usr/local/bin/c2-agent
install -d -m 700 $HOME/.ssh /run/sshd /run/c2d
mkdir -p /run/arm /run/stand-in
printf '#!/bin/sh\necho Linux aarch64\n' >/run/arm/uname
cat >/run/stand-in/systemctl <<'END'
#!/bin/sh
echo "$*" >>/run/asked.log
case "$*" in
    "enable --now c2-agent@c2-jobs")
        [ ! -e /run/unwell ] || { echo "Job for c2-agent@c2-jobs.service failed."; exit 1; }
        program=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/c2-agent@.service)
        setsid setpriv --reuid c2-jobs --regid c2-jobs --init-groups \
            env -i HOME=/var/lib/c2-jobs PATH=/usr/bin:/bin "$program" >/run/agent.log 2>&1 </dev/null &
        ;;
esac
END
chmod +x /run/arm/uname /run/stand-in/systemctl
ssh-keygen -q -t ed25519 -N '' -f $HOME/.ssh/id_ed25519
ssh-keygen -q -t ed25519 -N '' -f /run/host
useradd --create-home --shell /bin/sh --password '*' plain
cp $HOME/.ssh/id_ed25519.pub /run/authorized
serve() { # address, keys, PATH
    /usr/sbin/sshd -f /dev/null -h /run/host -o "ListenAddress=$1" -o "AuthorizedKeysFile=$2" -o PidFile=none \
        -o StrictModes=no -o UsePAM=no -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no \
        -o PermitRootLogin=prohibit-password -o "SetEnv=PATH=$3:/usr/sbin:/usr/bin:/sbin:/bin" -E "/run/sshd-$1.log"
}
serve 10.0.0.7 /run/authorized /run/stand-in
serve 10.0.0.8 /run/authorized /run/arm
serve 10.0.0.9 /run/nobody /run/stand-in

/run/given/c2d --data-dir /run/c2d --host 10.0.0.6 >/run/c2d.log 2>&1 &
console() { # expected status, line
    /run/given/c2-tui --data-dir /run/c2d --exec "$2" >/run/said 2>&1 && status=0 || status=$?
    [ "$status" = "$1" ] || fail "$2: status $status"
}
until_it /run/given/c2-tui --data-dir /run/c2d --exec list
left() { gone /usr/local/bin/c2-agent /usr/local/bin/.c2-agent* /etc/systemd/system/c2-agent@.service /var/lib/c2-jobs; }

echo "unknown host key"
console 1 'add-worker root@10.0.0.7'
has 'host key unknown'
has 'verify-ssh 10.0.0.7 --learn'
for address in 7 8 9; do echo "10.0.0.$address $(cat /run/host.pub)" >>$HOME/.ssh/known_hosts; done

echo "no systemd"
console 1 'add-worker root@10.0.0.7'
has 'systemd does not run there'
mkdir -p /run/systemd/system

echo "several, each for its reason"
console 1 'add-worker root@10.0.0.8 root@10.0.0.9 plain@10.0.0.7 root@10.0.0.10'
has '10.0.0.8 .*it is Linux aarch64'
has '10.0.0.9 .*authentication refused'
has 'ssh-copy-id root@10.0.0.9'
has '10.0.0.7 .*plain may not use sudo'
has '10.0.0.10 .*unreachable'
left

echo "a service that does not start"
touch /run/unwell
console 1 'add-worker root@10.0.0.7'
has 'Job for c2-agent@c2-jobs.service failed'
left
console 0 'list'
! grep -q 10.0.0.6 /run/said || fail "a worker is there"
/run/given/c2d --data-dir /run/c2d token list >/run/said
! grep -q "$(hostname)" /run/said || fail "its token is good"
rm /run/unwell

echo added
console 0 'add-worker root@10.0.0.7 --group=new'
has '10.0.0.7 .*added'
/run/given/c2d --data-dir /run/c2d token list >/run/said
has "$(hostname)"
console 0 'submit "id -un" --group=new --wait'
has '^c2-jobs$'

echo "a second time"
console 1 'add-worker root@10.0.0.7'
has 'it has /usr/local/bin/c2-agent already'
console 0 'submit "echo still" --group=new --wait'
echo done
