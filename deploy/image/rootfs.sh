#!/usr/bin/env bash
# Lays the root filesystem of the image into a folder: Node.js, the libraries that it is linked to, the product, and no
# shell. Downloads nothing: wants `npm ci` and `npm run package` to have run, and strip (binutils).
#
#   deploy/image/rootfs.sh FOLDER
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${1:?usage: rootfs.sh FOLDER}
case $(uname -m) in
  x86_64) platform=linux-x64 ;;
  aarch64) platform=linux-arm64 ;;
  *) echo "there is no Node.js package for $(uname -m)" >&2; exit 1 ;;
esac
runtime=$repository/node_modules/node-$platform
[[ -x $runtime/bin/node ]] || { echo "node-$platform is not installed: run npm ci" >&2; exit 1; }
[[ -f $repository/build/app/package.json ]] || { echo 'build/app is not there: run npm run package' >&2; exit 1; }
if [[ -e $target && -n $(ls -A "$target") ]]; then echo "$target is not empty" >&2; exit 1; fi

# Group and others read all of it, whatever the umask here: the user of the image is neither owner nor root.
umask 022
mkdir -p "$target"/{usr/bin,usr/share/licenses,etc/sallyport,app,dev,proc,sys,tmp,var/lib/sallyport}
# Debian's own layout, so that the loader and its cache-less search find the libraries.
for name in bin lib lib64; do
  mkdir -p "$target/usr/$name"
  ln -s "usr/$name" "$target/$name"
done

strip --strip-all -o "$target/usr/bin/node" "$runtime/bin/node"
chmod 0755 "$target/usr/bin/node"
cp "$runtime/LICENSE" "$target/usr/share/licenses/node"

ldd "$runtime/bin/node" | sed -nE 's/^.* => (\/[^ ]+) .*$/\1/p; s/^\s*(\/[^ ]+) .*$/\1/p' | while read -r library; do
  copy=$target/usr${library#/usr}
  mkdir -p "$(dirname "$copy")"
  cp -L "$library" "$copy"
  chmod 0755 "$copy"
  # dpkg knows the file by its name with or without links.
  owner=$(dpkg-query -S "$(readlink -f "$library")" "$library" 2>/dev/null | head -n 1 | cut -d: -f1 || true)
  if [[ -n $owner && -f /usr/share/doc/$owner/copyright ]]; then
    cp "/usr/share/doc/$owner/copyright" "$target/usr/share/licenses/$owner"
  fi
done

cp -R "$repository/build/app/." "$target/app"
install -m 0644 "$repository/deploy/image/health.mjs" "$target/app/health.mjs"
chmod -R u=rwX,go=rX "$target/app"

echo 'sallyport:x:65532:65532::/var/lib/sallyport:/nonexistent' >"$target/etc/passwd"
echo 'sallyport:x:65532:' >"$target/etc/group"
echo 'hosts: files dns' >"$target/etc/nsswitch.conf"
chmod 1777 "$target/tmp"
chmod 0700 "$target/var/lib/sallyport"
if [[ $(id -u) == 0 ]]; then chown 65532:65532 "$target/var/lib/sallyport"; fi
