# One container, as the process 1 of a new PID and mount namespace, in the network of its pod. Run by pods.py as
#   sh -eu container.sh ROOT HOSTNAME PROGRAMS UID GROUPS COMMAND…   with the mounts on standard input: rw|ro SOURCE TARGET, outer ones first
# Its root is this machine's /usr, read only, and nothing else of it but PROGRAMS and the names in ROOT/../hosts.
root=$1 name=$2 programs=$3 user=$4 group=$5
shift 5
mount -t tmpfs -o mode=0755 tmpfs "$root"
mkdir -p "$root/usr" "$root/etc" "$root/proc" "$root/dev"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount --bind "$programs" "$root/usr/local/bin"
mount -o remount,bind,ro "$root/usr/local/bin"
mount -t proc proc "$root/proc"
for device in null zero random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
echo "hosts: files dns" >"$root/etc/nsswitch.conf"
echo "nameserver 127.0.0.1" >"$root/etc/resolv.conf"
touch "$root/etc/hosts"
mount --bind /etc/hosts "$root/etc/hosts"
while read -r mode source target; do
  mkdir -p "$root$target"
  mount --bind "$source" "$root$target"
  [ "$mode" = rw ] || mount -o remount,bind,ro "$root$target"
done
mount -o remount,ro "$root"
hostname "$name"
exec chroot "$root" setpriv --reuid="$user" --regid="$group" --groups="$group" --no-new-privs --inh-caps=-all --bounding-set=-all --pdeathsig=KILL \
  -- "$@" </dev/null
