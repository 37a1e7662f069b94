# Fetches the releases that the overlay leaves to the node, and has what is wanted of them put beside its other files.
# Read by bootstrap.sh, whose functions and names it uses, once the overlay has its digest.
# shellcheck shell=bash disable=SC2034,SC2154 # names of bootstrap.sh

wanted=$stage.part/root/$lists/releases listed=$stage.part/root/$lists/files

# NAME:SHA256:SIZE, as in bootstrap.sh. A release without a known size gets the limit that a build has.
part() {
	what="the release of ${1%%:*}" size=${1##*:} sha256=${1#*:}
	[ "$size" != 0 ] || size=4294967296
	sha256=${sha256%:*} file=$sha256
	urls=$(awk -F "$tab" -v sha256="$sha256" '$2 == sha256 { print $4; exit }' "$wanted")
}

releases=$(cut -f1-3 "$wanted" | sort -u | tr "$tab" :)
find_parts 'looking for the releases' "$releases"
step='unpacking the releases'
python3 -I "${wanted%/*}/releases.py" "$wanted" "$run/parts" "$stage.part/root" >"$run/added" 2>"$run/err" || fail "$(said)"
sort -u "$run/added" "$listed" >"$run/files"
put "$listed" <"$run/files"
