#!/bin/sh
# In mount, pid and cgroup namespaces of its own: becomes a systemd that runs one unit. Nothing of the machine is changed: whatever is
# written to lies in memory. Arguments: the unit, the folder with the program, a folder for what the service says.
set -eu

unit="$1" programs="$2" said="$3"

mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir /run/etc /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work overlay /etc
mount --bind "$programs" /usr/local/bin

mount -t tmpfs tmpfs /etc/systemd/system
cp "$unit" /etc/systemd/system/zs3.service
mkdir /etc/systemd/system/zs3.service.d
cat >/etc/systemd/system/zs3.service.d/check.conf <<END
[Unit]
DefaultDependencies=no
[Service]
StandardOutput=file:$said/out
StandardError=file:$said/err
END
cat >/etc/systemd/system/check.target <<END
[Unit]
Wants=zs3.service
END

mkdir -p /etc/zs3
cat >/etc/zs3/zs3.env <<END
MINIO_ROOT_USER=$MINIO_ROOT_USER
MINIO_ROOT_PASSWORD=$MINIO_ROOT_PASSWORD
ZS3_PORT=$ZS3_PORT
ZS3_BUCKETS=$ZS3_BUCKETS
END

umount --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env container=zs3 /lib/systemd/systemd --system --unit=check.target --log-target=null --show-status=0
