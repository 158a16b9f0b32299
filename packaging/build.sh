#!/bin/sh
# Builds what is published: static binaries, deb and rpm packages, a bill of materials for each
# architecture, and SHA256SUMS over all of it. The same source and the same Go version give the same bytes,
# in any directory, at any time; release_test.go checks that.
#
#   VERSION            version of the release; default: the output of version.sh
#   SOURCE_DATE_EPOCH  time of all files; default: the time of the last commit
#   ARCHES             architectures, with Go's names; default: amd64 and arm64
#   OUT                output directory; default: dist. A build of everything empties it first
#   STEPS              what to make besides the binaries; default: "packages sbom"
set -eu
LC_ALL=C TZ=UTC0
export LC_ALL TZ
umask 022
cd "$(dirname "$0")/.."

NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

VERSION=${VERSION:-$(sh packaging/version.sh)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$([ -e .git ] && git log -1 --format=%ct || :)}
ARCHES=${ARCHES:-amd64 arm64}
OUT=${OUT:-dist}
STEPS=${STEPS-packages sbom}
case $VERSION in
[0-9]*) ;;
*) echo "build.sh: not a repository: set VERSION, which must begin with a digit" >&2 && exit 2 ;;
esac
[ -n "$SOURCE_DATE_EPOCH" ] || { echo "build.sh: not a repository: set SOURCE_DATE_EPOCH" >&2 && exit 2; }
export VERSION SOURCE_DATE_EPOCH

# The environment of the build must not influence the result.
export GOENV=off GOFLAGS= GOWORK=off GOOS=linux GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT= GOFIPS140=off CGO_ENABLED=0
GO=${GO:-go}

# tool runs a Go command of a pinned version, for the build machine.
tool() { (unset GOOS GOARCH && "$GO" run -trimpath "$@"); }

# notices prints the licences of all modules in the binary, as these licences require.
notices() {
	echo "virt-audit is under the Apache License 2.0. The executable contains third-party modules, under these licences."
	echo "The standard library of Go is under the same licence as golang.org/x/sys."
	"$GO" list -tags urfave_cli_no_docs -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/virt-audit |
		sort -u | while read -r path version dir; do
		printf '\n%s\n%s %s\n\n' "$(printf '%80s' | tr ' ' =)" "$path" "$version"
		found=
		for file in "$dir"/LICEN[SC]E* "$dir"/COPYING* "$dir"/NOTICE*; do
			[ -f "$file" ] || continue
			found=yes
			tr -d '\r' <"$file"
		done
		[ -n "$found" ] || { echo "build.sh: $path has no licence" >&2 && exit 1; }
	done
}

case $STEPS in "packages sbom") rm -rf "$OUT" ;; esac
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
for arch in $ARCHES; do
	binary=$OUT/virt-audit_${VERSION}_linux_$arch
	export GOARCH="$arch"
	make --no-print-directory build GO="$GO" BINARY="$binary"
	case " $STEPS " in *" packages "*)
		export ARCH="$arch" STAGE="$stage/$arch"
		mkdir "$STAGE"
		cp "$binary" "$STAGE/virt-audit"
		gzip -n9 <packaging/man/virt-audit.1 >"$STAGE/virt-audit.1.gz"
		gzip -n9 <CHANGELOG.md >"$STAGE/changelog.gz"
		notices >"$STAGE/NOTICES"
		cat LICENSE "$STAGE/NOTICES" >"$STAGE/copyright"
		for kind in deb rpm; do
			tool $NFPM package --config packaging/nfpm.yaml --packager $kind --target "$OUT" >"$stage/log" ||
				{ cat "$stage/log" >&2 && exit 1; }
		done
		;;
	esac
	case " $STEPS " in *" sbom "*)
		# From the binary, not from go.mod: exactly the modules that it contains.
		tool $CYCLONEDX bin -json -std -licenses -assert-licenses -noserial -notimestamp \
			-version "$VERSION" -output "$binary.cdx.json" "$binary" 2>"$stage/log" ||
			{ cat "$stage/log" >&2 && exit 1; }
		# Remove the hashes of the generator, which was compiled for this run.
		sed -i '/^    "tools": \[$/,/^    \],$/{/^        "hashes": \[$/,/^        \],$/d}' "$binary.cdx.json"
		;;
	esac
done
rm -f "$OUT/SHA256SUMS"
(cd "$OUT" && sha256sum -- * >"$stage/sums" && mv "$stage/sums" SHA256SUMS && cat SHA256SUMS)
