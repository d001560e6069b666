#!/bin/sh
# wipe.sh
#
# Runs at the end of every boot (cloud-init's scripts-per-boot) and of setup.sh: writes over the join token and the private ssh host key wherever
# cloud-init keeps what the user-data says. In place and at its length, since cloud-init reads some of these files again at the next boot; it
# puts host keys in place at the first one only. The metadata service keeps its copies: the token is worth nothing once swarmd has
# replaced it, and the host key is closed to containers as the token is.
set -u

state=/var/lib/swarmd

# A first boot that was cut short leaves the requests of join.sh behind, and nothing uses them again.
if [ -e "$state/begun" ] && [ -d "$state/join" ]; then
	find "$state/join" -type f -exec shred -u {} + 2>/dev/null
	rm -rf "$state/join"
fi

python3 - /var/lib/cloud /run/cloud-init <<'END'
import os, re, stat, sys

# A token is one word. A key is several lines that all begin alike; between them are blanks and ends of lines, as they are or escaped.
secrets = re.compile(rb"SWMTKN-[0-9A-Za-z-]+|b3BlbnNzaC1rZXktdjE(?:[0-9A-Za-z+/=\s\"']|\\[\s\S])+")
keep = re.compile(rb"(\\[\s\S]|[\s\"'])|.")


def blank(secret):  # as long as it was, and its lines and quotes where they were
    return keep.sub(lambda m: m[1] or b"x", secret)


failed = False
for top in sys.argv[1:]:
    for folder, _, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names):
            try:
                if not stat.S_ISREG(os.lstat(path).st_mode):
                    continue
                with open(path, "r+b") as f:
                    found = list(secrets.finditer(f.read()))
                    for m in found:
                        f.seek(m.start())
                        f.write(blank(m[0]))
                    if found:
                        f.flush()
                        os.fsync(f.fileno())
            except FileNotFoundError:
                pass
            except OSError as e:
                failed = True
                print("swarmd: a secret may be left in", path, e.strerror)
sys.exit(failed)
END
