# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# One host: the first process of a PID namespace, with an overlay of the base as its root. Everything of it ends with this process.
# usage: host.sh FOLDER ROOT NAME ADDRESS PORT PREPARE
set -eu
folder=$1 root=$2 name=$3 address=$4 port=$5 prepare=$6

cd "$folder/hosts"
mkdir -p "$name"
mount -t tmpfs -o mode=0755 "$name" "$name"
cd "$name"
mkdir upper work root
mount -t overlay -o "lowerdir=$folder/base:$root,upperdir=upper,workdir=work" overlay root
cd root
mount -t proc proc proc
mount --bind /dev dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=0700 tmpfs root
mkdir run/sshd run/lock
chroot . sh -eu -c "$prepare" > /dev/null
chroot . ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
exec chroot . /usr/sbin/sshd -D -e -f /dev/null \
    -o "ListenAddress=$address" -o "Port=$port" -o HostKey=/etc/ssh/ssh_host_ed25519_key -o "AuthorizedKeysFile=/etc/ssh/authorized/%u" \
    -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o UsePAM=no -o UseDNS=no -o PrintMotd=no \
    -o LogLevel=ERROR -o MaxStartups=100 -o Subsystem="sftp internal-sftp"
