#!/bin/sh
# Puts the command LTMS, its unit, manual pages and completions under PREFIX (below DESTDIR, for
# packages). Run by `make install`.
set -eu

share="$DESTDIR$PREFIX/share"
case $PREFIX in /*) ;; *) echo "PREFIX has to be an absolute path: $PREFIX" >&2; exit 2 ;; esac
here=$(dirname "$0")

install -d "$DESTDIR$PREFIX/bin" "$DESTDIR$PREFIX/lib/systemd/system" "$share/man/man1" \
    "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
install -m 755 "$LTMS" "$DESTDIR$PREFIX/bin/ltms"
sed "s|@PREFIX@|$PREFIX|g" "$here/ltms.service" > "$DESTDIR$PREFIX/lib/systemd/system/ltms.service"
"$LTMS" man "$share/man/man1" > /dev/null
"$LTMS" completions bash > "$share/bash-completion/completions/ltms"
"$LTMS" completions zsh > "$share/zsh/site-functions/_ltms"
"$LTMS" completions fish > "$share/fish/vendor_completions.d/ltms.fish"
echo "installed below $DESTDIR$PREFIX; next: /etc/ltms/node.toml, then systemctl enable --now ltms"
