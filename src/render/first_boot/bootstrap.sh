#!/bin/bash
# Finds this node's overlay, verifies and unpacks it, runs the apply program that is part of it, and leaves one verdict. It may be
# cut off at any point: the next run resumes. README.md beside the source says what it needs, promises and leaves.
#
# Rules. A command that fails ends the run (set -e), and a pipeline fails as a whole (pipefail). But `set -e` does not hold in a
# function that is called by `||`, `&&`, `!`, `if` or `until`, nor in what that calls: there every command carries `|| return`,
# or another answer to its failure. Functions take parameters; their results are their status, their output, and files in $run.
# The global variables are those that the main part, at the end, sets before it calls a function that reads them.
#
# User-data has no room for comments. A copy with them is part of each overlay.
set -euf -o pipefail # explained in bootstrap.sh, in /usr/lib/imgbuild or /etc/imgbuild
shopt -s inherit_errexit
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
exec </dev/null

put() { cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1"; }
uptime() { local up && read -r up _ </proc/uptime && echo "${up%.*}"; }
# $run/reason is why the run fails, if it does.
step() { echo "stopped while $1" >"$run/reason"; }
fail() { echo "$1" >"$run/reason" && exit 1; }
# What a program wrote to $run/err: the first line, or the one that matters most.
said() { grep -m 1 'No space' "$run/err" || head -n 1 "$run/err"; }
note() { printf '; %s' "$1" >>"$run/problems"; }
# Whether a file has the overlay's digest
is() { [ "$(cat "$1" 2>/dev/null)" = "$IMGBUILD_OVERLAY_SHA256" ]; }
unmount() { find "$run" -maxdepth 1 -name 'volume-*' -exec umount -q {} \; 2>/dev/null || :; }

# VERDICT REASON
verdict() {
	local now reason code=0
	now=$(uptime) || :
	reason=$(tr '"\\\n' "'/ " <<<"${2:0:500}" | tr -cd ' -~') || :
	reason=${reason% }
	put first-boot.json <<-END || { rm -f first-boot.json && code=1; }
		{"node": "$IMGBUILD_NODE", "verdict": "$1", "reason": "$reason", "overlay_sha256": "$IMGBUILD_OVERLAY_SHA256",
		 "attempt": $attempt, "time": "$(date -u +%FT%TZ)", "seconds": $((now - began)),
		 "uptime": $now, "boot_id": "$(cat /proc/sys/kernel/random/boot_id)"}
	END
	printf '\nimgbuild: %s\n' "$IMGBUILD_NODE $1${reason:+: $reason}" | tee /dev/console 2>/dev/null || :
	return $code
}

finish() {
	local code=$?
	trap - EXIT
	set +e
	unmount
	rm -rf "$stage.part"
	[ ! -e "$run/unmerged" ] || { systemd-sysext refresh >/dev/null 2>&1 && rm "$run/unmerged"; }
	if [ $code = 0 ]; then
		rm -f attempt
		verdict ready '' || code=1
	else
		verdict failed "$(cat "$run/reason")"
	fi
	exit $code
}

# A part is the overlay, a layer of it, or a release. A list has a line for each, with tabs between its fields: its digest, what it is,
# its size, the name of its file on a volume, its URLs with blanks between them, or nothing. A part that is found is $run/parts/DIGEST.

# LIST: whether all its parts are found. $run/lacking lists the others.
all_found() {
	local sha256 rest
	while IFS=$tab read -r sha256 rest; do
		[ -e "$run/parts/$sha256" ] || echo "$sha256$tab$rest" || return
	done <"$1" >"$run/lacking" || return
	[ ! -s "$run/lacking" ]
}

# FILE DIGEST SIZE NAME: takes a file for the part if it is that. What is too large is not even read.
take() {
	local found
	if [ ! -f "$1" ] || [ -h "$1" ]; then
		note "$4 is not a regular file"
	elif found=$(stat -c %s "$1") && [ "$found" -gt "$3" ]; then
		note "$4 has $found bytes, expected $3"
	else
		found=$(sha256sum <"$1" 2>/dev/null | cut -c1-64) || found=unreadable
		[ "$found" != "$2" ] || { ln -sfn "$1" "$run/parts/$2" && return; }
		note "$4 has sha256 $found, expected $2"
	fi
}

# LIST: looks for its parts on volumes, which stay mounted: the parts may lie on several. Whoever attaches a volume chooses neither
# the kernel's driver nor a program, a device, or another file of this node to read.
on_volumes() {
	local count=0 label device volume sha256 what size file
	for label in CIDATA cidata IMGBUILD imgbuild; do
		for device in $(blkid -c /dev/null -o device -t LABEL=$label); do
			volume=$run/volume-$((count += 1))
			mkdir -p "$volume" || return
			mount -t iso9660,vfat -o ro,nosuid,nodev,noexec,nosymfollow "$device" "$volume" 2>"$run/err" || {
				note "$(said)"
				continue
			}
			while IFS=$tab read -r sha256 what size file _; do
				file=$volume/$file
				if [ -e "$file" ] || [ -h "$file" ]; then take "$file" "$sha256" "$size" "$what on $device" || return; fi
			done <"$run/lacking"
			! all_found "$1" || return 0
		done
	done
	return 1
}

# LIST PROGRAM: has the program fetch what no volume has. User-data brings it where the build says URLs.
at_urls() {
	local what urls missing=''
	while IFS=$tab read -r _ what _ _ urls; do
		[ "$urls" ] && [ -f "$2" ] || grep -qF "$what " "$run/problems" || missing="$missing, $what"
	done <"$run/lacking"
	[ ! "$missing" ] || note "missing: ${missing#, } (no URL is set, and no volume labelled CIDATA or IMGBUILD has it)"
	[ ! -f "$2" ] || python3 -I "$2" "$run/lacking" downloads "$run/parts" >>"$run/problems" || return
	all_found "$1"
}

# LIST PROGRAM
find_parts() {
	unmount
	rm -rf "$run/parts"
	mkdir "$run/parts"
	: >"$run/problems"
	all_found "$1" || on_volumes "$1" || at_urls "$@" || fail "$(cut -c3- "$run/problems")"
}

# LISTS: refuses an apply program for another bootstrap.
check_contract() {
	local found
	found=$(sed -n 's/^# apply contract: //p' "$1/apply.sh" 2>/dev/null) || :
	[ "$found" = 1 ] || fail "the overlay has apply contract ${found:-none}, expected 1: rebuild this node and attach its new seed"
}

# What is unpacked is hashed on its way: nothing of it is applied unless it is the overlay that the build made.
unpack() {
	local root=$stage.part/root room found
	step 'looking for the overlay'
	find_parts seed/parts seed/fetch.py
	step 'unpacking the overlay'
	mkdir -p "${stage%/*}"
	# While extensions are merged nobody can write to /usr.
	[ -w "${stage%/*}" ] || { : >"$run/unmerged" && systemd-sysext unmerge >/dev/null 2>"$run/err"; } ||
		fail "cannot unmerge the extensions: $(said)"
	room=$(df -kP "${stage%/*}" | awk 'END { print $4 }')
	[ "$room" -ge "$IMGBUILD_OVERLAY_ROOM" ] ||
		fail "the overlay needs $IMGBUILD_OVERLAY_ROOM KiB in ${stage%/*}, $room are free"
	rm -rf "$stage.part" "$run/joined"
	mkdir -p "$root"
	mkfifo "$run/joined"
	sha256sum <"$run/joined" >"$run/sha256" 9>&- &
	cut -f1 seed/parts | (cd "$run/parts" && xargs cat) 2>"$run/err" | tee "$run/joined" |
		tar -xzpmf - -C "$root" --no-same-owner 2>>"$run/err" || fail "cannot unpack the overlay: $(said)"
	wait $!
	found=$(cut -c1-64 "$run/sha256")
	[ "$found" = "$IMGBUILD_OVERLAY_SHA256" ] || fail "the overlay has sha256 $found, expected $IMGBUILD_OVERLAY_SHA256"
	check_contract "$root/$lists"
	# shellcheck source=src/render/first_boot/releases.sh
	[ ! -f "$root/$lists/releases.sh" ] || . "$root/$lists/releases.sh" "$root/$lists" "$root"
	echo "$found" >"$stage.part/sha256"
	sync
	mv "$stage.part" "$stage"
	unmount
	rm -rf downloads
}

run=/run/imgbuild tab=$'\t' attempt=1 code=0 root=''
lists=usr/lib/imgbuild stage=/usr/lib/imgbuild.new # the stage is where most files go, so that applying is linking
# What node.conf sets. Names from outside begin so, and no other does.
IMGBUILD_NODE=$(uname -n) IMGBUILD_OVERLAY_SHA256='' IMGBUILD_FORMAT=''
began=$(uptime)
[ -d /var/lib/imgbuild ] || mkdir -p /var/lib/imgbuild
cd /var/lib/imgbuild
{ install -d -m 0700 $run && exec 9>$run/lock && flock -n -E 75 9; } || code=$?
case $code in
0) ;;
75) echo 'imgbuild: another run is at work' >&2 && exit 75 ;;
*) verdict failed "cannot lock $run/lock" && exit 1 ;;
esac
step preparing
trap finish EXIT
trap 'exit 143' HUP INT TERM
[ ! -s attempt ] || attempt=$(($(cat attempt) + 1))
put attempt <<<$attempt
[ -f seed/node.conf ] || fail "no $PWD/seed/node.conf"
sed -n /^IMGBUILD_/p seed/node.conf >$run/conf
# shellcheck source=/dev/null
. $run/conf
[[ $IMGBUILD_OVERLAY_SHA256 =~ ^[0-9a-f]{64}$ ]] || fail "no digest in $PWD/seed/node.conf"
[ "$IMGBUILD_FORMAT" != sysext ] || lists=etc/imgbuild stage=/var/lib/imgbuild/new
is $stage/sha256 || rm -rf $stage
[ -d $stage ] || is applied || unpack
[ ! -d $stage ] || root=$stage/root
check_contract $root/$lists
bash $root/$lists/apply.sh "$root" "$IMGBUILD_OVERLAY_SHA256"
