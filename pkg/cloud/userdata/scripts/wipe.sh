#!/bin/sh
# wipe.sh
#
# Runs at the end of every boot (cloud-init's scripts-per-boot) and of setup.sh: writes over the join token wherever cloud-init keeps what the
# user-data says. In place and at its length, since cloud-init reads some of these files again at the next boot. The metadata service keeps
# its copy: that one is worth nothing once swarmd has replaced the token.
set -u

state=/var/lib/swarmd

# A first boot that was cut short leaves the requests of join.sh behind, and nothing uses them again.
if [ -e "$state/begun" ] && [ -d "$state/join" ]; then
	find "$state/join" -type f -exec shred -u {} + 2>/dev/null
	rm -rf "$state/join"
fi

python3 - /var/lib/cloud /run/cloud-init <<'END'
import os, re, stat, sys

token = re.compile(rb"SWMTKN-[0-9A-Za-z-]+")
failed = False
for top in sys.argv[1:]:
    for folder, _, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names):
            try:
                if not stat.S_ISREG(os.lstat(path).st_mode):
                    continue
                with open(path, "r+b") as f:
                    found = [m.span() for m in token.finditer(f.read())]
                    for begin, end in found:
                        f.seek(begin)
                        f.write(b"x" * (end - begin))
                    if found:
                        f.flush()
                        os.fsync(f.fileno())
            except FileNotFoundError:
                pass
            except OSError as e:
                failed = True
                print("swarmd: the join token may be left in", path, e.strerror)
sys.exit(failed)
END
