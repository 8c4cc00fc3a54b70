# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What all hosts have below them: an overlay of a root file system with an SSH server, on a tmpfs that only this mount namespace sees.
# It lives as long as its standard input is open, and takes the folder's parent with it.
# usage: base.sh FOLDER ROOT USER PUBLIC_KEY
set -eu
folder=$1 root=$2 user=$3 key=$4

mount -t tmpfs -o mode=0755 cloudnexus "$folder"
cd "$folder"
mkdir base work merged hosts
mount -t overlay -o "lowerdir=$root,upperdir=base,workdir=work" overlay merged
mount -t proc proc merged/proc
mount --rbind /dev merged/dev
mount -t tmpfs -o mode=1777 tmpfs merged/tmp
mount -t tmpfs -o mode=0755 tmpfs merged/run
# The lists of packages may be a link to what this machine alone can follow.
if [ -e /etc/resolv.conf ]; then
    rm -f merged/etc/resolv.conf
    cat /etc/resolv.conf > merged/etc/resolv.conf
fi
if [ -n "${http_proxy:-}" ]; then
    printf 'Acquire::http::Proxy "%s";\n' "$http_proxy" > merged/etc/apt/apt.conf.d/99proxy
fi

# nginx is only downloaded: to install it is the role's work. The manual pages' index takes longer than the packages.
chroot merged sh -eu > log 2>&1 << 'INSIDE' || { cat log >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
rm -f /var/lib/man-db/auto-update /etc/apt/apt.conf.d/docker-clean
apt-get -q update
apt-get -q -y --no-install-recommends install openssh-server sudo python3 python3-apt curl
apt-get -q -y --no-install-recommends --download-only install nginx || true
apt-get -q -y --no-install-recommends --download-only install libnginx-mod-http-brotli-filter || true
rm -f /usr/sbin/policy-rc.d /etc/ssh/ssh_host_*
INSIDE
chroot merged useradd --create-home --shell /bin/sh --password '*' "$user"
printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$user" > "merged/etc/sudoers.d/$user"
mkdir -p merged/etc/ssh/authorized
printf '%s\n' "$key" > "merged/etc/ssh/authorized/$user"

umount -l merged
echo ready
cat > /dev/null
cd /
umount -l "$folder"
rm -rf "$(dirname "$folder")"
