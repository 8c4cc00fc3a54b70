# shellcheck shell=sh
# Checks nginx's whole configuration with a candidate in the place of one of its files, and leaves everything as it is.
# usage: sh -c "$(cat validate.sh)" validate CANDIDATE /etc/nginx/conf.d/FILE
set -eu
candidate=$1
file=$2
folder=$(dirname "$file")
root=$(dirname "$folder")

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
printf '%s\n' "$said" | grep -v ' test failed$' | sed -e "s#$scratch\.main#$root/nginx.conf#g" -e "s#$scratch#$folder#g" >&2

rm "$scratch/$(basename "$file")"
if [ -e "$file" ]; then
    ln -s "$file" "$scratch/"
fi
if ! check > /dev/null; then
    echo "It was refused before too: what breaks it is another file than this site's." >&2
fi
exit 1
