# Fetches the releases that the overlay leaves to the node, and puts what is wanted of them beside its other files.
# Read by first-boot.sh, whose functions and names it uses, once the overlay has its digest.
# shellcheck shell=sh disable=SC2013,SC2034,SC2154

wanted=$stage.part/root/$lists/releases got=$stage.part/got

# NAME:SHA256:SIZE, as in first-boot.sh. A release without a known size gets the limit that a build has.
part() {
	what="the release of ${1%%:*}" size=${1##*:} sha256=${1#*:}
	[ "$size" != 0 ] || size=4294967296
	sha256=${sha256%:*} file=$sha256
	urls=$(awk -F "$tab" -v sha256="$sha256" '$2 == sha256 { print $4; exit }' "$wanted")
}

# MEMBER MODE: gives what was unpacked the modes that a build gives it
set_modes() {
	find "$1" -type d -exec chmod 0755 {} +
	if [ "$2" != - ]; then
		find "$1" -type f -exec chmod "$2" {} +
	else
		find "$1" -type f -perm /111 -exec chmod 0755 {} +
		find "$1" -type f ! -perm /111 -exec chmod 0644 {} +
	fi
}

# COMPONENT SHA256 MEMBER PLACE MODE: adds a member, or a folder of them, to the overlay's files and their list
add() {
	from=$got/$3 to=$stage.part/root$4
	[ -e "$from" ] || fail "the release of $1 has no $3"
	set_modes "$from" "$5"
	find "$from" ! -type d -printf '/%P\n' >"$run/found"
	while IFS= read -r path; do
		path=$4${path%/}
		[ ! -e "$stage.part/root$path" ] || fail "the release of $1 has $path, which is there already"
		printf '%s\t%s%s\t%s\n' "$1" "$2" "$5" "$path"
	done <"$run/found" >>"$run/added"
	mkdir -p "${to%/*}"
	if [ -d "$from" ]; then
		mkdir -p "$to"
		cp -RP "$from/." "$to" 2>"$run/err"
	else
		cp -P "$from" "$to" 2>"$run/err"
	fi || fail "cannot copy the release of $1: $(said)"
}

# SHA256: unpacks an archive, but for members that nobody wants; their names may begin with `./` in it.
unpack_release() {
	step='unpacking a release' sha256=$1
	awk -F "$tab" -v sha256="$1" '$2 == sha256 { print $5 }' "$wanted" >"$run/members"
	set -- --no-anchored --verbatim-files-from -T "$run/members"
	! grep -qx '[.]' "$run/members" || set --
	mkdir "$got"
	tar -xzf "$run/parts/$sha256" -C "$got" --no-same-owner "$@" 2>"$run/err" ||
		fail "cannot unpack the release with sha256 $sha256: $(said)"
	while IFS=$tab read -r name sha _ _ member place mode; do
		[ "$sha" != "$sha256" ] || add "$name" "$sha" "$member" "$place" "$mode"
	done <"$wanted"
	rm -rf "$got"
}

find_parts 'looking for the releases' "$(cut -f1-3 "$wanted" | sort -u | tr "$tab" :)"
: >"$run/added"
for one in $(cut -f2 "$wanted" | sort -u); do
	unpack_release "$one"
done
sort -u -o "$stage.part/root/$lists/files" "$run/added" "$stage.part/root/$lists/files"
