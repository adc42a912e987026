#!/bin/sh
# Installs the independent peers that the tests talk to, and starts none of them: a package's own
# service would take ports that the tests use, and is nothing that a test run may leave behind.
set -eu

wanted="chromium clang-14 coturn dcmtk dicom3tools fonts-noto-cjk janus libclang-rt-14-dev"
wanted="$wanted orthanc orthanc-dicomweb"
missing=""
for package in $wanted; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then as_root=""
elif sudo -n true 2>/dev/null; then as_root="sudo"
else
  echo "The tests need Debian's$missing. As root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
  trap '$as_root rm -f $policy' EXIT
fi
echo "== Debian packages for the tests:$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086 # one word each
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
