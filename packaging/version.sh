#!/bin/sh
# Prints the version of this source in the form of packages: 1.2.3 at the tag v1.2.3, 1.3.0~rc1 at v1.3.0-rc1,
# 1.2.3+4.g0123456 four commits after v1.2.3, and without any tag 0.0.0~20060102.g0123456, which is older
# than every release. Uncommitted changes add "dirty". Outside of a repository the version is "devel".
set -u
cd "$(dirname "$0")/.." || exit 1
# The source may have been unpacked inside another project's repository.
[ -e .git ] && commit=$(git rev-parse --short=7 HEAD 2>/dev/null) || {
	echo devel
	exit
}
dirty=
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || dirty=dirty
if tag=$(git describe --tags --long --abbrev=7 --match 'v[0-9]*.[0-9]*.[0-9]*' 2>/dev/null); then
	rest=${tag#v}
	hash=${rest##*-} rest=${rest%-*}
	ahead=${rest##*-} version=$(echo "${rest%-*}" | tr - '~')
	if [ "$ahead" = 0 ]; then
		echo "$version${dirty:++dirty}"
	else
		echo "$version+$ahead.$hash${dirty:+.dirty}"
	fi
else
	echo "0.0.0~$(TZ=UTC0 git log -1 --date=format-local:%Y%m%d --format=%cd).g$commit${dirty:+.dirty}"
fi
