# Boots a systemd over this system, as a machine that forgets all that is changed: an overlay of / in a tmpfs, with
# namespaces of its own for everything but the network, which it is given. Arguments: a file for its process id, an
# empty folder, a folder that is in /run/given, a name.
set -eu
read -r pid _ </proc/self/stat
hostname "$4"
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
cd "$2"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root

# The kernel is that of the machine around it, which is to stay as it is.
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup sys/fs/cgroup
else
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
mount -t tmpfs tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for folder in tmp run var/tmp; do
    mount -t tmpfs tmpfs $folder
done
chmod 1777 tmp var/tmp
cp -rL "$3" run/given

# A new machine starts nothing of what this one does, and has no hardware to look after.
rm -rf etc/systemd/system/*.wants etc/rc?.d/* var/log/journal usr/sbin/policy-rc.d var/lib/man-db/auto-update
: >etc/machine-id
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
    systemd-modules-load.service systemd-sysctl.service systemd-random-seed.service systemd-binfmt.service \
    kmod-static-nodes.service getty.target console-getty.service dev-hugepages.mount dev-mqueue.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount; do
    ln -sf /dev/null etc/systemd/system/$unit
done
# Root types here, so this is all that sudo does where it is not installed.
if ! [ -e usr/bin/sudo ]; then
    cat >usr/local/bin/sudo <<'END'
#!/bin/sh
user=root
while :; do
    case $1 in
        -u) user=$2 && shift 2 ;;
        -H) shift ;;
        *) break ;;
    esac
done
home=$(getent passwd "$user" | cut -d: -f6)
exec setpriv --reuid "$user" --regid "$user" --init-groups \
    env -i "HOME=$home" "USER=$user" "LOGNAME=$user" "TERM=${TERM:-dumb}" "PATH=$PATH" "$@"
END
    chmod 755 usr/local/bin/sudo
fi
mkdir -p mnt/before
pivot_root . mnt/before
echo "$pid" >"/mnt/before$1"
exec env -i container=c2 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot . sh -c '
    umount -l /mnt/before
    exec setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog \
        /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal' </dev/null
