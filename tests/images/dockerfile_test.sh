#!/bin/bash
# The Dockerfile, built from source by a container builder as its users build it: every target is there, its binary
# runs as the image's user, and it holds the same files as the image that tests/images makes from tested binaries.
# usage: dockerfile_test.sh IMAGES_DIRECTORY       root; the directory that images.py wrote
# No registry is asked: the base image is made here from Debian's packages, under its public name.
set -euo pipefail
shopt -s inherit_errexit
root=$(dirname "$(realpath "$0")")/../..
images=$(realpath "$1")
work=$(mktemp --directory /var/tmp/chaos-dockerfile-XXXXXX)
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=overlay TMPDIR=$work
build=(buildah --root "$work/storage" --runroot "$work/run")

# shellcheck disable=SC2317  # called by the trap
leave() {
  "${build[@]}" umount --all >/dev/null 2>&1 || true
  umount --recursive --lazy "$work/storage/overlay" 2>/dev/null || true
  rm -rf "$work"
}
trap leave EXIT
fail() { echo "FAILED: $*"; exit 1; }

began=$EPOCHREALTIME
took() { awk "BEGIN { printf \"%.0f s\", $EPOCHREALTIME - $began }"; }

mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
base=$("${build[@]}" from scratch)
"${build[@]}" add --quiet "$base" "$work/base.tar" / >/dev/null
"${build[@]}" commit --quiet --rm "$base" docker.io/library/debian:bookworm-slim >/dev/null
rm "$work/base.tar"
echo "base image after $(took)"

# What is compared is a commit, not what lies about in a working tree.
git -C "$root" archive HEAD | tar --extract --directory "$work" --one-top-level=source
for target in operator injector load rbee-sim; do
  "${build[@]}" bud --quiet --layers --pull-never --target "$target" --tag "chaos-test/$target" "$work/source" \
    >"$work/log" 2>&1 || { tail -n 40 "$work/log"; fail "docker build --target $target"; }
  box=$("${build[@]}" from --pull-never "chaos-test/$target")
  tree=$("${build[@]}" mount "$box")
  user=$("${build[@]}" inspect --type image --format '{{.OCIv1.Config.User}}' "chaos-test/$target")
  entry=$("${build[@]}" inspect --type image --format '{{index .OCIv1.Config.Entrypoint 0}}' "chaos-test/$target")
  [ "$user" = 65532:65532 ] || fail "$target runs as \"$user\""
  chroot --userspec="$user" "$tree" "$entry" --help >"$work/help" || fail "$target: $entry --help"
  [ -s "$work/help" ] || fail "$target: $entry --help says nothing"
  (cd "$tree" && find . -type f -o -type l | sed 's|^\./||' | sort) >"$work/built"
  tar --extract --to-stdout --file "$images/${entry##*/}.tar" --wildcards '*layer.tar' | tar --list |
    sed 's|^\./||' | grep -v '/$' | sort >"$work/made"
  diff "$work/made" "$work/built" || fail "$target: the Dockerfile's image holds other files than that of images.py"
  "${build[@]}" umount "$box" >/dev/null
  "${build[@]}" rm "$box" >/dev/null
  echo "$target: $(wc -l <"$work/built") files, as in the image made of tested binaries, after $(took)"
done
