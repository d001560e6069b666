# Lays a ground of three network namespaces (a container on a bridge, its host, the metadata service) and tries who reaches the service, without
# the rule and with it. $1 is the command that puts the rule in.
set -eu
rule=$1
lay() {
	mount -t tmpfs tmpfs /run && ip netns add box && ip netns add meta && ip link set lo up &&
		ip link add br0 type bridge && ip addr add 172.30.0.1/24 dev br0 && ip link set br0 up &&
		ip link add v0 type veth peer name e0 netns box && ip link set v0 master br0 up &&
		ip -n box addr add 172.30.0.2/24 dev e0 && ip -n box link set e0 up && ip -n box route add default via 172.30.0.1 &&
		ip link add v1 type veth peer name e1 netns meta && ip addr add 10.9.0.1/24 dev v1 && ip link set v1 up &&
		ip -n meta link set lo up && ip -n meta addr add 169.254.169.254/32 dev lo && ip -n meta addr add 10.9.0.2/24 dev e1 &&
		ip -n meta link set e1 up && ip -n meta route add default via 10.9.0.1 && ip route add 169.254.169.254 via 10.9.0.2 &&
		echo 1 >/proc/sys/net/ipv4/ip_forward && iptables -w 10 -t raw -L >/dev/null
}
lay || {
	echo "no ground"
	exit 0
}
echo "ground is laid"
ip netns exec meta python3 -m http.server 80 --bind 169.254.169.254 --directory /run >/dev/null 2>&1 &
reaches() { "$@" curl -sf -o /dev/null -m 3 http://169.254.169.254/ && echo yes || echo no; }
for _ in $(seq 100); do
	[ "$(reaches env)" = yes ] && break
	sleep 0.1
done
echo "without: container $(reaches ip netns exec box), host $(reaches env)"
sh -c "$rule"
sh -c "$rule"
echo "with: container $(reaches ip netns exec box), host $(reaches env)"
echo "rules: $(iptables -t raw -S PREROUTING | grep -c 169.254.169.254)"
