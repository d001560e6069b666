#!/bin/sh
# boot.sh PRIVATE_NETWORK SSH_NETWORKS TEMPLATE_LABEL
#
# Runs at every boot before the engine (cloud-init's bootcmd): the firewall is closed and the engine carries the labels with this
# droplet's id and with the version of what made the machine before it is allowed to start. May run any number of times.
set -eu

private=$1
ssh_from=$2 # networks with blanks between them, or "any"
template=$3 # swarmd.template=VERSION

state=/var/lib/swarmd
dropin=/etc/systemd/system/docker.service.d/10-swarmd.conf

# hold_engine makes the engine wait for $state/prepared, and for the rule that keeps containers from the metadata service, whose user-data has
# the join token: each start puts it in first, and without it there is none. The rule is in no chain of Docker's, which come later and are not
# the same with each of its firewall backends. What a bridge forwards passes PREROUTING, what the host itself sends does not; so it does not
# hold for containers in the host's network, nor for those that have the host's card to themselves (macvlan, ipvlan). An engine that runs
# already started without it.
hold_engine() {
	mkdir -p "$state" "${dropin%/*}"
	cat >"$dropin.new" <<-END
		[Unit]
		AssertPathExists=$state/prepared

		[Service]
		ExecStartPre=/bin/sh -c 'iptables -w 10 -t raw -C PREROUTING -d 169.254.169.254 -j DROP 2>/dev/null || iptables -w 10 -t raw -I PREROUTING -d 169.254.169.254 -j DROP'
	END
	if cmp -s "$dropin.new" "$dropin"; then
		rm -f "$dropin.new"
		return 0
	fi
	mv "$dropin.new" "$dropin"
	systemctl daemon-reload
	stop_engine
}

# firewall: 22 for people; the swarm's ports (2377 management, 7946 gossip, 4789 data path, ESP for encrypted overlays) and swarmd's
# metrics (9810) for the private network; nothing else. Published ports are Docker's own: its rules come before ufw's.
firewall() {
	command -v ufw >/dev/null || { echo "ufw is not installed"; return 1; }
	want="1 $private $ssh_from"
	if [ "$(cat "$state/firewall" 2>/dev/null)" = "$want" ] && ufw status | grep -q '^Status: active'; then
		return 0
	fi
	ufw --force reset >/dev/null || return 1 # an image may come with rules that open the engine's port
	ufw default deny incoming >/dev/null || return 1
	ufw default allow outgoing >/dev/null || return 1
	for from in $ssh_from; do
		ufw allow proto tcp from "$from" to any port 22 || return 1
	done
	ufw allow proto tcp from "$private" to any port 2377,7946,9810 || return 1
	ufw allow proto udp from "$private" to any port 7946,4789 || return 1
	ufw allow proto esp from "$private" || return 1
	ufw --force enable || return 1
	echo "$want" >"$state/firewall"
}

# label puts the droplet's id and the template's version into the engine's configuration, keeps what else is there, and prints the id and whether the file
# changed. A machine that already knows its id does not wait long for the metadata service.
label() {
	python3 - "$state/droplet" /etc/docker/daemon.json "$template" <<-'END'
		import json, os, sys, time, urllib.request

		known_file, config_file, template = sys.argv[1:]
		known = open(known_file).read().strip() if os.path.exists(known_file) else ""

		def ask(tries):
		    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
		    for left in range(tries, 0, -1):
		        try:
		            text = opener.open("http://169.254.169.254/metadata/v1/id", timeout=2).read(32).decode("ascii").strip()
		            if text.isdigit() and int(text) > 0:
		                return text
		        except (OSError, ValueError):
		            pass
		        if left > 1:
		            time.sleep(1)
		    return ""

		droplet = ask(3 if known else 60) or known
		if not droplet:
		    sys.exit("the metadata service did not tell the droplet's id")

		config = {}
		if os.path.exists(config_file) and os.path.getsize(config_file):
		    with open(config_file) as f:
		        config = json.load(f)
		wanted = ["swarmd.droplet=" + droplet, template]
		ours = [l for l in config.get("labels", []) if l.startswith(("swarmd.droplet=", "swarmd.template="))]
		if ours != wanted:
		    config["labels"] = [l for l in config.get("labels", []) if l not in ours] + wanted
		    os.makedirs(os.path.dirname(config_file), exist_ok=True)
		    with open(config_file + ".new", "w") as f:
		        json.dump(config, f, indent=2)
		        f.write("\n")
		    os.replace(config_file + ".new", config_file)
		print(droplet, "same" if ours == wanted else "changed")
	END
}

# identity: a machine that is new under this id has an image's past at most; a copied engine would be a second node of one name.
identity() {
	if [ "$(cat "$state/droplet" 2>/dev/null)" = "$1" ]; then
		return 0
	fi
	stop_engine
	rm -rf /var/lib/docker/swarm "$state/begun" "$state/join" || return 1
	echo "$1" >"$state/droplet"
}

stopped=no
stop_engine() {
	if [ $stopped = no ] && systemctl is-active --quiet docker.service; then
		systemctl stop docker.socket docker.service
		stopped=yes
	fi
}

fail() {
	rm -f "$state/prepared"
	stop_engine
	echo "swarmd: the engine is held back: $*"
	exit 1
}

hold_engine || fail "its unit could not be extended"
firewall || fail "the firewall could not be closed"
answer=$(label) || fail "its label could not be set"
if [ "${answer#* }" = changed ]; then
	stop_engine # it reads its labels at its start only
fi
identity "${answer% *}" || fail "the state of another machine could not be removed"
: >"$state/prepared"
if [ $stopped = yes ]; then
	systemctl start docker.service
fi
