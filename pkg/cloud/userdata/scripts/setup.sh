#!/bin/sh
# setup.sh PRIVATE_NETWORK SSH_NETWORKS SECONDS TEMPLATE_LABEL
#
# Runs once, at the end of the first boot: installs what the image lacks, starts the engine, joins the swarm if there is one to join. Whatever
# becomes of that, no copy of the join token is left. A machine that has not joined after so many seconds is deleted: for as long it waits for
# apt's locks, and for a manager.
set -u
umask 077
exec >>/var/log/swarmd-join.log 2>&1

here=/usr/local/lib/swarmd
patience=$3
end=$(($(date +%s) + patience))
trap 'sh "$here/wipe.sh"' EXIT
: >/var/lib/swarmd/begun

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

# install adds the packages unless the command is there. Another apt may hold a lock at first boot: apt waits for dpkg's itself, and fails at once
# for that of the lists.
install() {
	command -v "$1" >/dev/null && return 0
	shift
	wait=5
	while :; do
		say "install $*"
		if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout="$patience" -qq update &&
			DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout="$patience" -qq -y --no-install-recommends install "$@"; then
			return 0
		fi
		[ "$(date +%s)" -lt $end ] || return 1
		sleep $wait
		[ $wait -ge 40 ] || wait=$((wait * 2))
	done
}

# prepare repeats what boot.sh could not do before, so that the engine comes after the firewall on every image.
prepare() {
	for wait in 2 5 10 20 40 0; do
		sh "$here/boot.sh" "$1" "$2" "$3" && return 0
		sleep "$wait"
	done
	return 1
}

engine_answers() {
	for _ in $(seq 60); do
		curl -sf --max-time 5 --unix-socket /var/run/docker.sock http://localhost/_ping >/dev/null && return 0
		sleep 1
	done
	return 1
}

die() {
	say "$*"
	exit 1
}

install ufw ufw iptables || die "ufw could not be installed"
install curl curl ca-certificates || die "curl could not be installed"
prepare "$1" "$2" "$4" || die "the engine stays off: see above"
install dockerd docker.io || die "Docker could not be installed"
systemctl reset-failed docker.socket docker.service
systemctl enable --now docker.service || die "Docker did not start"
engine_answers || die "Docker does not answer"
say "the engine is up"
if [ -d /var/lib/swarmd/join ]; then
	sh "$here/join.sh" "$patience" || die "not joined"
fi
