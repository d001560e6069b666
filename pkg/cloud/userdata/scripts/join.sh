#!/bin/sh
# join.sh SECONDS
#
# Joins the swarm as a drained worker. /var/lib/swarmd/join has one request per manager; an engine looks at the first address of a
# request only, so each manager is its own. The requests hold the token: they never are an argument, and are removed at the end.
set -u
umask 077

requests=/var/lib/swarmd/join
patience=$1 # seconds, over all managers

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

# shellcheck disable=SC2317 # called by the trap
forget() {
	find "$requests" -type f -exec shred -u {} + 2>/dev/null
	rm -rf "$requests"
}

# engine METHOD PATH [curl options]
engine() {
	method=$1 path=$2
	shift 2
	curl -sS --max-time 45 --unix-socket /var/run/docker.sock -X "$method" "$@" "http://localhost$path"
}

# state prints inactive, pending, active, error or locked; nothing if the engine does not answer.
state() { engine GET /info | grep -o '"LocalNodeState":"[a-z]*"' | cut -d '"' -f 4; }

# private prints the droplet's address in the private network.
private() {
	address=$(curl -sf --noproxy '*' --max-time 3 http://169.254.169.254/metadata/v1/interfaces/private/0/ipv4/address)
	case $address in
	'' | *[!0-9.]*) return 1 ;;
	esac
	echo "$address"
}

# settle waits while a join is under way: the engine answers after 20 s and goes on in the background.
settle() {
	for _ in $(seq 15); do
		case $(state) in
		active) return 0 ;;
		pending) sleep 1 ;;
		*) return 1 ;;
		esac
	done
	return 1
}

# try joins by one request. What is left half-way is undone, or the next manager would hear "already part of a swarm".
try() {
	sed "s/@PRIVATE@/$2/g" "$1" >"$requests/body"
	engine POST /swarm/join -H 'Content-Type: application/json' --data-binary "@$requests/body" | sed 's/SWMTKN-[0-9A-Za-z-]*/(token)/g'
	rm -f "$requests/body"
	settle && return 0
	[ "$(state)" = inactive ] || engine POST '/swarm/leave?force=true'
	return 1
}

trap forget EXIT
end=$(($(date +%s) + patience))
while [ "$(date +%s)" -lt $end ]; do
	if [ "$(state)" = active ]; then
		say "joined"
		exit 0
	fi
	if address=$(private); then
		for request in "$requests"/*.json; do
			say "join by ${request##*/} from $address"
			try "$request" "$address" && break
		done
	else
		say "the metadata service did not tell the private address"
	fi
	[ "$(state)" = active ] || sleep 3
done
say "gave up after $patience s"
exit 1
