# A machine of its own that looks like this one and forgets all that is changed: an overlay of / in a tmpfs, with
# namespaces for processes and the network. Given are an empty folder, a folder that is in /run/given, and a script.
set -eu
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount --rbind /dev root/dev
for folder in tmp run var/tmp; do
    mount -t tmpfs tmpfs "root/$folder"
done
chmod 1777 root/tmp root/var/tmp
cp -rL "$2" root/run/given
# Not of this test: an index of all manual pages, and a policy that services are not started.
rm -f root/var/lib/man-db/auto-update root/usr/sbin/policy-rc.d
ip link set lo up
# The address of c2d in this home.
ip address add 10.0.0.6/32 dev lo
exec chroot root env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$3" life
