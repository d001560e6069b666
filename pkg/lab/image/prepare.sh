#!/bin/sh
# Turns a fresh Debian tree ($1) into the image of a droplet: run by mmdebstrap as its last hook, outside of the tree.
set -eu
root=$1

# Every droplet makes its own identity at its first boot.
: >"$root/etc/machine-id"
rm -f "$root"/var/lib/dbus/machine-id "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"

# Nothing of the building machine stays: no package sources (a droplet has no way out), no resolver.
rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d "$root"/etc/apt/auth.conf.d "$root"/etc/apt/apt.conf.d/99mmdebstrap
rm -rf "$root"/var/lib/apt/lists "$root"/var/cache/apt
mkdir -p "$root"/etc/apt/sources.list.d "$root"/var/lib/apt/lists/partial "$root"/var/cache/apt/archives/partial

# The lab gives each droplet its network, its user-data and its keys from outside; root logs in by key as on DigitalOcean.
mkdir -p "$root/etc/cloud/cloud.cfg.d"
cat >"$root/etc/cloud/cloud.cfg.d/90_lab.cfg" <<'CFG'
datasource_list: [ NoCloud ]
locale: false
network: {config: disabled}
disable_root: false
users: []
ssh_genkeytypes: [ ed25519, ecdsa ]
manage_etc_hosts: false
preserve_hostname: false
CFG

# The hardware: /proc/meminfo shows the memory of the ordered size instead of the machine's below, and the control groups, which are
# this droplet's own, can be written by its engine.
cat >"$root/usr/local/sbin/lab-hardware" <<'SH'
#!/bin/sh
set -eu
mountpoint -q /proc/meminfo || mount --bind /etc/lab-meminfo /proc/meminfo
while read -r _ where type _; do
    if [ "$type" = cgroup ]; then mount -o remount,bind,rw "$where"; fi
done </proc/mounts
SH
chmod 755 "$root/usr/local/sbin/lab-hardware"
cat >"$root/etc/systemd/system/lab-hardware.service" <<'UNIT'
[Unit]
Description=Hardware of this droplet
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-hardware
[Install]
WantedBy=sysinit.target
UNIT
chroot "$root" systemctl enable lab-hardware.service ssh.service docker.service

# The lab's registry speaks plain HTTP. A flag, not daemon.json: that file is left to the user-data.
echo 'DOCKER_OPTS="--insecure-registry=registry.lab:5000"' >"$root/etc/default/docker"

# Timers and consoles that a machine of a few minutes does not need.
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer dpkg-db-backup.timer \
    console-getty.service systemd-udevd.service systemd-timesyncd.service systemd-networkd.service systemd-resolved.service
