#!/bin/sh
# Measures virt-audit and tools that read the same files, in one run on one machine. It prints figures and
# never fails for them: a timed test would fail when the machine is busy.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -tags urfave_cli_no_docs -trimpath -ldflags='-s -w' -o "$work/virt-audit" ./cmd/virt-audit
audit="$work/virt-audit"

# ten thousand different guests of 7.4 KB
mkdir "$work/thousand" "$work/all"
awk -v dir="$work" '
	{ line[NR] = $0 }
	END {
		for (n = 0; n < 10000; n++) {
			file = sprintf("%s/%s/vm%05d.xml", dir, n < 1000 ? "thousand" : "all", n)
			for (i = 1; i <= NR; i++) {
				s = line[i]
				gsub(/web01/, sprintf("vm%05d", n), s)
				if (s ~ /<uuid>/) s = sprintf("  <uuid>%08d-0000-4000-8000-%012d</uuid>", n, n)
				if (s ~ /<mac /) s = sprintf("      <mac address=\"52:54:00:%02x:%02x:%02x\"/>", n / 65536, (n / 256) % 256, n % 256)
				print s > file
			}
			close(file)
		}
	}' testdata/noise/libvirt-stored.xml
cp "$work"/thousand/* "$work/all/"

# seconds COMMAND... prints the best wall time of three runs
seconds() {
	best=
	for _ in 1 2 3; do
		start=$(date +%s.%N)
		"$@" >/dev/null 2>&1 || true
		took=$(echo "$(date +%s.%N) $start" | awk '{ printf "%.3f", $1 - $2 }')
		best=$(echo "$took ${best:-$took}" | awk '{ print ($1 < $2) ? $1 : $2 }')
	done
	echo "$best"
}
# peak COMMAND... prints the largest resident size in MiB
peak() {
	"$@" >/dev/null 2>&1 &
	pid=$!
	max=0
	while kill -0 "$pid" 2>/dev/null; do
		now=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status" 2>/dev/null || echo)
		[ -n "$now" ] && [ "$now" -gt "$max" ] && max=$now
		sleep 0.01
	done
	wait "$pid" || true
	echo "$max" | awk '{ printf "%.0f", $1 / 1024 }'
}
ratio() { echo "$1 $2" | awk '{ printf "%.2f", $1 / $2 }'; }

one=$(seconds "$audit" -j 1 "$work/all")
two=$(seconds "$audit" -j 2 "$work/all")
echo "10,000 guests:           -j 1 $one s, -j 2 $two s: $(ratio "$one" "$two") times as fast"
for format in text json; do
	echo "peak memory, $format:       1,000 guests $(peak "$audit" --format $format "$work/thousand") MiB, 10,000 guests $(peak "$audit" --format $format "$work/all") MiB"
done

# Every format over guests with some ten findings each, compared with json.
mkdir "$work/found" "$work/few"
awk -v dir="$work" '
	{ line[NR] = $0 }
	END {
		for (n = 0; n < 10000; n++) {
			file = sprintf("%s/found/vm%05d.xml", dir, n)
			for (i = 1; i <= NR; i++) {
				s = line[i]
				gsub(/@N@/, sprintf("%05d", n), s)
				print s > file
			}
			close(file)
		}
	}' testdata/bench.xml
for n in 0 1 2 3 4 5 6 7 8 9; do ln "$work"/found/vm00"$n"*.xml "$work/few/"; done
base=$(seconds "$audit" --format json "$work/found")
echo "10,000 guests, $(( $("$audit" --format json "$work/few" | grep -c '"fingerprint"') / 1000 )) findings each: json $base s"
for format in $("$audit" --help | sed -n 's/.*of the report, repeatable: \(.*\) (default.*/\1/p' | tr -d ,); do
	took=$(seconds "$audit" --format "$format" "$work/found")
	printf '%-12s %s s, %s of json; peak memory %s MiB, of 1,000 guests %s MiB\n' "$format" "$took" "$(ratio "$took" "$base")" \
		"$(peak "$audit" --format "$format" "$work/found")" "$(peak "$audit" --format "$format" "$work/few")"
done

few="$work/thousand"
ours=$(seconds "$audit" "$few")
lint=$(seconds sh -c "xmllint --noout --relaxng /usr/share/libvirt/schemas/domain.rng $few/*.xml")
echo "1,000 guests:            virt-audit $ours s, xmllint --relaxng $lint s: $(ratio "$ours" "$lint") of its time"

small=testdata/fleet/web01.xml
ours=$(seconds sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do $audit $small; done")
valid=$(seconds sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do virt-xml-validate $small domain; done")
echo "one small file, 10 runs: virt-audit $ours s, virt-xml-validate $valid s: $(ratio "$ours" "$valid") of its time"
