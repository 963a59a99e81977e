#!/bin/sh
# Puts libltms, its headers and what pkg-config and CMake look for under PREFIX (below DESTDIR, for
# packages). LIBRARIES is the folder with libltms.so and libltms.a. Run by `make install-lib`.
set -eu

case $PREFIX in /*) ;; *) echo "PREFIX has to be an absolute path: $PREFIX" >&2; exit 2 ;; esac
here=$(dirname "$0")
root=$here/../..
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
soname=libltms.so.$major.$minor

lib=$DESTDIR$PREFIX/lib
install -d "$lib/pkgconfig" "$lib/cmake/ltms" "$DESTDIR$PREFIX/include"
install -m 644 "$LIBRARIES/libltms.a" "$lib/libltms.a"
install -m 755 "$LIBRARIES/libltms.so" "$lib/libltms.so.$version"
ln -sf "libltms.so.$version" "$lib/$soname"
ln -sf "$soname" "$lib/libltms.so"
install -m 644 "$root/include/ltms.h" "$root/include/ltms.hpp" "$DESTDIR$PREFIX/include/"
fill() {
    sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@VERSION@|$version|g" -e "s|@SONAME@|$soname|g" \
        -e "s|@MAJOR@|$major|g" -e "s|@MINOR@|$minor|g" "$here/$1.in" > "$2/$1"
}
fill ltms.pc "$lib/pkgconfig"
fill ltms-config.cmake "$lib/cmake/ltms"
fill ltms-config-version.cmake "$lib/cmake/ltms"
echo "installed libltms $version below $DESTDIR$PREFIX"
