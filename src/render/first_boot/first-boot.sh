#!/bin/sh
# Applies this node's overlay, starts its services, waits until they are healthy, and leaves one verdict.
# May run at any time and be cut off at any point: the next run goes on from there. Removes no data.
set -euf
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
exec </dev/null

state=/var/lib/imgbuild run=/run/imgbuild lists=usr/lib/imgbuild
stage=/usr/lib/imgbuild.new extensions=/var/lib/extensions # the stage is where most files go, so that applying is linking
tab=$(printf '\t')
NODE=$(uname -n) OVERLAY_SHA256='' LAYERS='' LAYERS_URL='' attempt=1 reason='' step='preparing' unmerged=''

now() { read -r now _ </proc/uptime && now=${now%.*}; }
put() { cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1"; }
is() { [ "$(cat "$1" 2>/dev/null)" = "$OVERLAY_SHA256" ]; }
said() { grep -m 1 'No space' "$run/err" || head -n 1 "$run/err"; }
fail() { reason=$1 && exit 1; }
ctl() { systemctl "$@" 2>"$run/err" || fail "cannot $1 the services: $(said)"; }

verdict() {
	now
	reason=$(printf %s "$reason" | tr '"\\\n' "'/ " | tr -cd ' -~' | cut -c1-500)
	put "$state/first-boot.json" <<-END || { rm -f "$state/first-boot.json" && code=1; }
		{"node": "$NODE", "verdict": "$1", "reason": "$reason", "overlay_sha256": "$OVERLAY_SHA256",
		 "attempt": $attempt, "time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)", "seconds": $((now - began)),
		 "uptime": $now, "boot_id": "$(cat /proc/sys/kernel/random/boot_id)"}
	END
	line="imgbuild: $NODE $1${reason:+: $reason}"
	echo "$line"
	printf '\n%s\n' "$line" 2>/dev/null >/dev/console || :
}

finish() {
	code=$?
	trap - EXIT
	release
	rm -rf "$stage.part" || :
	[ -z "$unmerged" ] || systemd-sysext refresh >/dev/null 2>&1 || :
	if [ "$code" = 0 ]; then
		rm -f "$state/attempt"
		verdict ready
	else
		reason=${reason:-stopped while $step}
		verdict failed
	fi
	exit "$code"
}

# URL FILE SECONDS: goes on with what is in the file; ends with 22 where the server refuses
get() {
	if command -v curl >/dev/null; then
		curl -fsSL --connect-timeout 15 --speed-limit 1000 --speed-time 60 -m "$3" -C - -o "$2" "$1"
	else
		timeout "$3" python3 -c 'import os, shutil, sys, urllib.request as u
try:
 url, name = sys.argv[1:]
 had = os.path.getsize(name) if os.path.isfile(name) else 0
 got = u.urlopen(u.Request(url, headers={"Range": "bytes=%d-" % had} if had else {}), timeout=60)
 with open(name, "ab" if getattr(got, "status", 0) == 206 else "wb") as to: shutil.copyfileobj(got, to)
 if getattr(got, "length", 0): raise OSError("the answer was cut off")
except Exception as e: print(e, file=sys.stderr); sys.exit(22 if hasattr(e, "code") else 1)' "$1" "$2"
	fi
}

# NAME:SHA256:SIZE: sets what to call it, its size, its digest, its file on a volume, where to fetch it
part() {
	what="the layer of ${1%%:*}" size=${1##*:} sha256=${1#*:}
	sha256=${sha256%:*} file=$sha256 urls=${LAYERS_URL:+$LAYERS_URL/$sha256}
	[ -n "$LAYERS" ] || what='the overlay' file=overlay.tar.gz urls=$OVERLAY_URLS
}

# FILE WHERE: takes the file for the part if it has the digest; if not, `seen` tells what it is
take() {
	got=$(sha256sum <"$1" 2>/dev/null | cut -c1-64)
	[ "$got" != "$sha256" ] || { ln -sfn "$1" "$run/parts/$sha256" && return; }
	seen="$seen; $what $2 has sha256 ${got:-unreadable}, expected $sha256"
	return 1
}

# Whether every part is found; if not, `lacking` names those that are not
all_found() {
	lacking=''
	for one in $parts; do
		part "$one"
		[ -e "$run/parts/$sha256" ] || lacking="$lacking $one"
	done
	[ -z "$lacking" ]
}

# Volumes stay mounted: the parts may lie on several.
on_volumes() {
	count=0
	for label in CIDATA cidata IMGBUILD imgbuild; do
		for device in $(blkid -c /dev/null -o device -t "LABEL=$label"); do
			count=$((count + 1))
			volume=$run/volume-$count
			mkdir -p "$volume"
			mount -o ro "$device" "$volume" 2>"$run/err" || {
				seen="$seen; $(said)"
				continue
			}
			for one in $lacking; do
				part "$one"
				[ ! -f "$volume/$file" ] || take "$volume/$file" "on $device" || :
			done
			! all_found || return 0
		done
	done
	return 1
}

release() {
	find "$run" -maxdepth 1 -name 'volume-*' -exec umount -q {} \; 2>/dev/null || :
}

# URL: fetches the part from there; what is cut off is gone on with, in the next round or by a later run
fetch() {
	where=$(printf %s "$1" | sed 's/[?#].*//; s,//[^/@]*@,//,') # no credentials in any message
	copy=$state/downloads/$sha256 code=0 had=''
	mkdir -p downloads
	[ ! -f "$copy" ] || had=yes
	if [ -f "$copy" ] && [ "$(stat -c %s "$copy")" -ge "$size" ]; then
		! take "$copy" 'from an earlier try' || return 0
		rm -f "$copy"
	fi
	(ulimit -f $((size / 512 + 1)) && get "$1" "$copy" 3600) 2>"$run/err" || code=$?
	case $code in
	0)
		! take "$copy" "at $where" || return 0
		rm -f "$copy"
		return 1
		;;
	22 | 33) # refused: what is there may be what cannot be resumed
		rm -f "$copy"
		[ -z "$had" ] || [ "$pause" = 0 ] || { left="$left $1" && return 1; }
		;;
	*) [ "$pause" = 0 ] || { left="$left $1" && return 1; } ;;
	esac
	seen="$seen; cannot fetch $what from $where: $(said)"
	return 1
}

at_urls() {
	none=''
	for one in $lacking; do
		part "$one"
		[ -n "$urls" ] || {
			case $seen in *"expected $sha256"*) ;; *) none="$none, ${one%%:*}" ;; esac
			continue
		}
		for pause in 2 5 10 20 0; do
			left=''
			for url in $urls; do
				! fetch "$url" || continue 3
			done
			urls=$left
			[ -n "$urls" ] || return 1
			sleep $pause
		done
		return 1
	done
	[ -z "$none" ] ||
		seen="$seen; no ${LAYERS:+layer of }${none#, } on a volume labelled CIDATA or IMGBUILD, and no URL of one"
	all_found
}

# STEP PARTS
find_parts() {
	step=$1 parts=$2 seen=''
	release
	rm -rf "$run/parts"
	mkdir "$run/parts"
	all_found || on_volumes || at_urls || fail "${seen#; }"
}

join() {
	for one in $parts; do
		part "$one"
		cat "$run/parts/$sha256" || return 1
	done
}

# While extensions are merged nobody can write to /usr.
writable() {
	[ -w "${stage%/*}" ] && return
	unmerged=yes
	systemd-sysext unmerge >/dev/null 2>"$run/err" || fail "cannot unmerge the extensions: $(said)"
}

# Merges the overlay's extensions, if any changed or is not merged, and has the system do so whenever it starts.
merge() {
	names=$(cut -f3 "$run/files" | sed -n "s,^$extensions/\(.*\)\.raw$,\1,p")
	again=$(grep -x extensions restart || :)
	for name in $names; do
		[ -e "/usr/lib/extension-release.d/extension-release.$name" ] || again=yes
	done
	[ -z "$again$unmerged" ] || systemd-sysext refresh >/dev/null 2>"$run/err" || fail "cannot merge the extensions: $(said)"
	unmerged=''
	[ -z "$names" ] || ctl enable --no-reload systemd-sysext.service
}

# What is unpacked is hashed on its way: nothing of it is applied unless it is the overlay that the build made.
unpack() {
	# One file, or its layers one after the other.
	find_parts 'looking for the overlay' "${LAYERS:-overlay.tar.gz:$OVERLAY_SHA256:$OVERLAY_SIZE}"
	step='unpacking the overlay'
	mkdir -p "${stage%/*}"
	writable
	room=$(df -kP "${stage%/*}" | awk 'END { print $4 }')
	[ "$room" -ge "$OVERLAY_ROOM" ] || fail "the overlay needs $OVERLAY_ROOM KiB in ${stage%/*}, $room are free"
	rm -rf "$stage.part" "$run/joined"
	mkdir -p "$stage.part/root"
	mkfifo "$run/joined"
	sha256sum <"$run/joined" >"$run/sha256" 9>&- &
	join 2>"$run/err" | tee "$run/joined" | tar -xzpmf - -C "$stage.part/root" --no-same-owner 2>>"$run/err" ||
		fail "cannot unpack the overlay: $(said)"
	wait $!
	got=$(cut -c1-64 "$run/sha256")
	[ "$got" = "$OVERLAY_SHA256" ] || fail "the overlay has sha256 $got, expected $OVERLAY_SHA256"
	more=$stage.part/root/$lists/releases.sh
	# shellcheck source=src/render/first_boot/releases.sh
	[ ! -f "$more" ] || . "$more"
	echo "$OVERLAY_SHA256" >"$stage.part/sha256"
	sync
	mv "$stage.part" "$stage"
	release
	rm -rf downloads
}

# FILE: the units in a list of components
units() { cut -f2 "$1" | tr , '\n' | grep -vx -e - | sort -u || :; }

# Removes what an earlier overlay brought and this one does not, and folders of its making that are empty then.
remove_stale() {
	units components >"$run/had"
	units "$from/$lists/components" >"$run/has"
	gone=$(comm -23 "$run/had" "$run/has")
	# shellcheck disable=SC2086 # unit names; an interrupted run may have removed their files
	[ -z "$gone" ] || systemctl disable --now $gone || systemctl stop $gone || :
	cut -f3 files | sort -u >"$run/had"
	cut -f3 "$run/files" | sort -u >"$run/has"
	comm -23 "$run/had" "$run/has" | while IFS= read -r file; do
		[ -d "$file" ] && [ ! -h "$file" ] || printf '%s\0' "$file"
	done | xargs -0r rm -f -- 2>"$run/err" || fail "cannot remove stale files: $(said)"
	[ -n "$from" ] || return 0
	sort -r folders | while IFS= read -r dir; do
		[ -d "$from$dir" ] || printf '%s\0' "$dir"
	done | xargs -0r rmdir --ignore-fail-on-non-empty -- 2>/dev/null || :
}

# Linking replaces each file at once and needs no room; what cannot be linked (another file system, a folder
# that is a link here) is copied. Existing folders keep their owners and modes.
link_files() {
	cd "$stage/root"
	find . -type d | while IFS= read -r dir; do
		[ -d "/$dir" ] || printf '%s\n' "${dir#.}"
	done | sort -u - "$state/folders" | put "$state/folders"
	cp -RPlf . / 2>"$run/err" ||
		find . ! -type d -links 1 -print0 | tar --null -T - -cf - |
		tar -C / -xpmf - --keep-directory-symlink --no-same-owner 2>"$run/err" ||
		fail "cannot apply the overlay: $(said)"
	sync
	cd "$state"
}

install_private() {
	while IFS=$tab read -r name owner path; do
		! cmp -s "seed/private$path" "$path" || [ "$(stat -c %U:%G:%a "$path")" != "$owner:600" ] || continue
		mkdir -p "${path%/*}"
		new=$(mktemp "$path.XXXXXX")
		if ! cat "seed/private$path" >"$new" || ! chown "$owner" "$new" || ! mv -fT "$new" "$path"; then
			rm -f "$new"
			fail "cannot install $path for $owner"
		fi
		echo "$name" >>restart
	done <seed/private.list
}

apply() {
	is "$stage/sha256" || rm -rf "$stage"
	[ -d "$stage" ] || is applied || unpack
	step='applying the overlay' from=''
	[ ! -d "$stage" ] || from=$stage/root
	[ -s "$from/$lists/files" ] || fail "no $from/$lists/files"
	touch files components folders restart seed/private.list
	sed "s/$tab.*$tab/${tab}private$tab/" seed/private.list | sort -u - "$from/$lists/files" >"$run/files"
	# Until all is applied the list is of the old files and the new; what is to be restarted is kept too.
	sort files "$run/files" | uniq -u | sed "s,.*$tab$extensions/.*,&\nextensions," | cut -f1 | sort -u - restart | put restart
	sort -u files "$run/files" | put files
	[ -z "$from" ] || { writable && rm -f applied; }
	remove_stale
	[ -z "$from" ] || link_files
	for kind in sysusers tmpfiles; do
		conf=$(cut -f3 "$run/files" | grep -E "^/(usr/lib|etc)/$kind\.d/") || continue
		[ $kind = sysusers ] || set -- --create
		# shellcheck disable=SC2086 # file names
		systemd-$kind "$@" $conf 2>"$run/err" || fail "systemd-$kind: $(said)"
	done
	install_private
	put components <"/$lists/components"
	put files <"$run/files"
	echo "$OVERLAY_SHA256" | put applied
	rm -rf "$stage"
	merge
}

# shellcheck disable=SC2086 # lists of unit names
start() {
	step='starting the services' all='' again=''
	while IFS=$tab read -r name units _; do
		[ "$units" != - ] || continue
		units=$(echo "$units" | tr , ' ')
		all="$all $units"
		! grep -qxF -e "$name" restart || again="$again $units"
	done <components
	[ -n "$all" ] || return 0
	ctl enable --no-reload $all
	[ ! -s restart ] || ctl daemon-reload
	systemctl reset-failed $all 2>/dev/null || :
	[ -z "$again" ] || ctl restart --no-block $again
	ctl start --no-block $all
	put restart </dev/null
}

# UNITS URL
healthy() {
	for unit in $(echo "$1" | tr , ' '); do
		[ "$unit" = - ] || systemctl is-active -q "$unit" || {
			ill="$unit is $(systemctl is-active "$unit")"
			return 1
		}
	done
	# Long enough for a busy host: an answer that is given up still costs its service the work for it.
	[ "$2" = - ] || get "$2" /dev/null 30 2>"$run/err" || {
		ill="$2: $(said)"
		return 1
	}
}

# Looks twice, since a program that ends at once is active for a moment.
wait_for_health() {
	now && since=$now sick='' && export no_proxy='*'
	for pause in 2 0; do
		while IFS=$tab read -r name units url limit; do
			step="waiting for $name"
			until healthy "$units" "$url"; do
				now
				[ $((now - since)) -lt "$limit" ] || {
					sick="$sick; $name is not healthy after $limit s: $ill"
					break
				}
				sleep 1
			done
		done <components
		[ -z "$sick" ] || fail "${sick#; }"
		sleep $pause
	done
}

mkdir -p "$run" && exec 9>"$run/lock"
flock -n 9 || { echo 'imgbuild: another run is at work' >&2 && exit 75; }
now && began=$now
trap finish EXIT
trap 'exit 143' HUP INT TERM
mkdir -p "$state" && cd "$state"
[ ! -s attempt ] || attempt=$(($(cat attempt) + 1))
echo "$attempt" | put attempt
[ -f seed/node.conf ] || fail "no $state/seed/node.conf"
# shellcheck source=/dev/null
. ./seed/node.conf
apply
start
wait_for_health
