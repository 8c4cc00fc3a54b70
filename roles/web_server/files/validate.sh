# shellcheck shell=sh
# Checks nginx's whole configuration with a candidate in the place of one of its files, and leaves everything as it is.
# usage: sh -c "$(cat validate.sh)" validate CANDIDATE /etc/nginx/conf.d/FILE
# The exit status is 127 if nginx can't be run, and 1 if it refuses the configuration.
set -eu
PATH=$PATH:/usr/sbin:/sbin
candidate=$1
file=$2
folder=$(dirname "$file")
root=$(dirname "$folder")

if ! command -v nginx > /dev/null; then
    echo "There is no command nginx in $PATH." >&2
    exit 127
fi
included="(^|[[:space:];{])include[[:space:]]+[\"']?($root/)?conf\.d/\*\.conf[\"']?[[:space:]]*;"
if ! grep -Ev '^[[:space:]]*#' "$root/nginx.conf" | grep -Eq "$included"; then
    echo "$root/nginx.conf does not include $folder/*.conf, so the site would not be served." >&2
    exit 1
fi

# A main file beside the real one, so that relative paths in it mean the same. It reads the same files, but the candidate.
# `nginx -t` would make an empty pid file where nginx does not run, so it gets one of its own.
scratch=$(mktemp -d "$root/.cloudnexus.XXXXXX")
trap 'rm -rf "$scratch" "$scratch.main"' EXIT
trap 'exit 1' HUP INT TERM
sed -E -e "s#$included#\1include $scratch/*.conf;#" -e 's#^[[:space:]]*pid[[:space:]][^;]*;##' "$root/nginx.conf" > "$scratch.main"
for other in "$folder"/*.conf; do
    if [ -e "$other" ]; then
        ln -s "$other" "$scratch/"
    fi
done
check() {
    nginx -t -q -c "$scratch.main" -g "pid $scratch/pid;" 2>&1
}

ln -sf "$candidate" "$scratch/$(basename "$file")"
if said=$(check); then
    exit 0
fi
address=$(printf '%s\n' "$said" | sed -n 's/.*a duplicate default server for \([^ ]*\) in .*/\1/p')
if [ -n "$address" ]; then
    others=$(grep -lE '^[[:space:]]*listen[^#]*default_server' "$root/nginx.conf" "$folder"/*.conf "$root"/sites-enabled/* 2> /dev/null | grep -vxF "$file" || true)
    echo "There can be one default site for an address, and ${address} has one already ($(echo $others)): set web_server_server_names for one of them." >&2
    exit 1
fi
printf '%s\n' "$said" | grep -v ' test failed$' | sed -e "s#$scratch\.main#$root/nginx.conf#g" -e "s#$scratch#$folder#g" >&2

rm "$scratch/$(basename "$file")"
if [ -e "$file" ]; then
    ln -s "$file" "$scratch/"
fi
if ! check > /dev/null; then
    echo "It was refused before too: what breaks it is another file than this site's." >&2
fi
exit 1
