#!/bin/bash
# Applies this node's overlay, starts its services, waits until they are healthy, and leaves one verdict.
# May run at any time and be cut off at any point: the next run goes on from there. Removes no data.
#
# What fails ends the run: a pipeline as a whole does (pipefail), and a list is complete before it takes the place of another
# (put). `set -e` does not hold inside functions that are called by `||`, `&&`, `!`, `if` or `until`: there each command
# that may fail carries `|| return`.
set -euf -o pipefail
shopt -s inherit_errexit
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
exec </dev/null

state=/var/lib/imgbuild run=/run/imgbuild lists=usr/lib/imgbuild
stage=/usr/lib/imgbuild.new # the stage is where most files go, so that applying is linking
tab=$'\t' digest='' attempt=1 reason='' step='preparing' unmerged='' code=0
# What node.conf says. Names from outside begin so, and no other does.
IMGBUILD_NODE=$(uname -n) IMGBUILD_OVERLAY_SHA256='' IMGBUILD_LAYERS='' IMGBUILD_LAYERS_URL='' IMGBUILD_FORMAT=''

now() { read -r now _ </proc/uptime && now=${now%.*}; }
put() { cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1"; }
is() { [ -n "$digest" ] && [ "$(cat "$1" 2>/dev/null)" = "$digest" ]; }
said() { grep -m 1 'No space' "$run/err" || head -n 1 "$run/err"; }
fail() { reason=$1 && exit 1; }
ctl() { systemctl "$@" 2>"$run/err" || fail "cannot $1 the services: $(said)"; }

verdict() {
	now
	reason=$(printf %s "$reason" | tr '"\\\n' "'/ " | tr -cd ' -~' | cut -c1-500)
	put "$state/first-boot.json" <<-END || { rm -f "$state/first-boot.json" && code=1; }
		{"node": "$IMGBUILD_NODE", "verdict": "$1", "reason": "$reason", "overlay_sha256": "$digest",
		 "attempt": $attempt, "time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)", "seconds": $((now - began)),
		 "uptime": $now, "boot_id": "$(cat /proc/sys/kernel/random/boot_id)"}
	END
	line="imgbuild: $IMGBUILD_NODE $1${reason:+: $reason}"
	echo "$line"
	printf '\n%s\n' "$line" 2>/dev/null >/dev/console || :
}

finish() {
	code=$?
	trap - EXIT
	set +e
	release
	rm -rf "$stage.part"
	[ -z "$unmerged" ] || systemd-sysext refresh >/dev/null 2>&1
	if [ "$code" = 0 ]; then
		rm -f "$state/attempt"
		verdict ready
	else
		reason=${reason:-stopped while $step}
		verdict failed
	fi
	exit "$code"
}

# URL FILE SECONDS: goes on with what is in the file; ends with 22 where the server refuses. The address may hold
# credentials, so it goes where no other user can read it, which the command line is not; nor is it in an error.
get() {
	if command -v curl >/dev/null; then
		sed 's/[\\"]/\\&/g; s/.*/url="&"/' <<<"$1" |
			curl -K - -fsSL --connect-timeout 15 --speed-limit 1000 --speed-time 60 -m "$3" -C - -o "$2"
	else
		timeout "$3" python3 -c 'import base64, os, shutil, sys, urllib.parse as p, urllib.request as u
try:
 url, name = p.urlsplit(input()), sys.argv[1]
 who, _, host = url.netloc.rpartition("@")
 ask = u.Request(url._replace(netloc=host).geturl())
 if who: ask.add_unredirected_header("Authorization", "Basic " + base64.b64encode(p.unquote(who).encode()).decode())
 had = os.path.isfile(name) and os.path.getsize(name)
 if had: ask.add_header("Range", "bytes=%d-" % had)
 got = u.urlopen(ask, timeout=60)
 with open(name, "ab" if getattr(got, "status", 0) == 206 else "wb") as to: shutil.copyfileobj(got, to)
 if getattr(got, "length", 0): raise OSError("the answer was cut off")
except Exception as e:
 print(e if isinstance(e, OSError) else type(e).__name__, file=sys.stderr); sys.exit(22 if hasattr(e, "code") else 1)' "$2" <<<"$1"
	fi
}

# NAME:SHA256:SIZE: sets what to call it, its size, its digest, its file on a volume, where to fetch it
part() {
	what="the layer of ${1%%:*}" size=${1##*:} sha256=${1#*:}
	sha256=${sha256%:*} file=$sha256 urls=${IMGBUILD_LAYERS_URL:+$IMGBUILD_LAYERS_URL/$sha256}
	[ -n "$IMGBUILD_LAYERS" ] || what='the overlay' file=overlay.tar.gz urls=$IMGBUILD_OVERLAY_URLS
}

# FILE WHERE: takes the file for the part if it has the digest; if not, `problems` tells. What is too large is not even read.
take() {
	if [ ! -f "$1" ] || [ -h "$1" ]; then
		wrong='is not a regular file'
	elif found=$(stat -c %s "$1") && [ "$found" -gt "$size" ]; then
		wrong="has $found bytes, expected $size"
	else
		found=$(sha256sum <"$1" 2>/dev/null | cut -c1-64) || found=unreadable
		[ "$found" != "$sha256" ] || { ln -sfn "$1" "$run/parts/$sha256" && return; }
		wrong="has sha256 $found, expected $sha256"
	fi
	problems="$problems; $what $2 $wrong"
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

# Volumes stay mounted: the parts may lie on several. Whoever attaches one chooses neither the kernel's driver nor a
# program, a device, or another file of this node to read.
on_volumes() {
	count=0
	for label in CIDATA cidata IMGBUILD imgbuild; do
		for device in $(blkid -c /dev/null -o device -t "LABEL=$label"); do
			count=$((count + 1))
			volume=$run/volume-$count
			mkdir -p "$volume" || return
			mount -t iso9660,vfat -o ro,nosuid,nodev,noexec,nosymfollow "$device" "$volume" 2>"$run/err" || {
				problems="$problems; $(said)"
				continue
			}
			for one in $lacking; do
				part "$one"
				[ ! -e "$volume/$file" ] && [ ! -h "$volume/$file" ] || take "$volume/$file" "on $device" || :
			done
			! all_found || return 0
		done
	done
	return 1
}

release() {
	find "$run" -maxdepth 1 -name 'volume-*' -exec umount -q {} \; 2>/dev/null || :
}

# URL: fetches the part from there. Ends with 1 if it is another, and with `failure` set if it could not be had: with 2 where
# it may be had later, for what is cut off is gone on with, by the next round or a later run.
fetch() {
	# shellcheck disable=SC2001 # two expressions
	where=$(sed 's,//[^/]*@,//,; s/[?#].*//' <<<"$1") || return # no credentials in any message
	copy=$state/downloads/$sha256 code=0 had=''
	mkdir -p downloads || return
	[ ! -f "$copy" ] || had=yes
	if [ -n "$had" ] && [ "$(stat -c %s "$copy")" -ge "$size" ]; then
		! take "$copy" 'from an earlier try' || return 0
		rm -f "$copy" || return
	fi
	# With the signal ignored it is curl that tells of a copy which gets too large.
	(trap '' XFSZ && ulimit -f $((size / 1024 + 1)) && get "$1" "$copy" 3600) 2>"$run/err" || code=$?
	if [ "$code" = 0 ] || [ "$(stat -c %s "$copy" 2>/dev/null)" -gt "$size" ] 2>/dev/null; then
		! take "$copy" "at $where" || return 0
		rm -f "$copy"
		return 1
	fi
	failure="cannot fetch $what from $where: $(said)"
	# Refused: what is there may be what cannot be resumed.
	case $code in 22 | 33) rm -f "$copy" && [ -n "$had" ] || return 3 ;; esac
	return 2
}

at_urls() {
	nowhere=''
	for one in $lacking; do
		part "$one"
		[ -n "$urls" ] || {
			case $problems in *"$what "*) ;; *) nowhere="$nowhere, ${one%%:*}" ;; esac
			continue
		}
		for pause in 2 5 10 20 0; do
			later=''
			for url in $urls; do
				fetch "$url" && continue 3
				case $?:$pause in
				1:*) ;;
				2:[1-9]*) later="$later $url" ;;
				*) problems="$problems; $failure" ;;
				esac
			done
			urls=$later
			[ -n "$urls" ] || return
			sleep $pause
		done
		return 1
	done
	[ -z "$nowhere" ] ||
		problems="$problems; no ${IMGBUILD_LAYERS:+layer of }${nowhere#, } on a volume labelled CIDATA or IMGBUILD, and no URL of one"
	all_found
}

# STEP PARTS
find_parts() {
	step=$1 parts=$2 problems=''
	release
	rm -rf "$run/parts"
	mkdir "$run/parts"
	all_found || on_volumes || at_urls || fail "${problems#; }"
}

join() {
	for one in $parts; do
		part "$one"
		cat "$run/parts/$sha256" || return
	done
}

# While extensions are merged nobody can write to /usr.
writable() {
	[ ! -w "${stage%/*}" ] || return 0
	unmerged=yes
	systemd-sysext unmerge >/dev/null 2>"$run/err" || fail "cannot unmerge the extensions: $(said)"
}

# What is unpacked is hashed on its way: nothing of it is applied unless it is the overlay that the build made.
unpack() {
	# One file, or its layers one after the other.
	find_parts 'looking for the overlay' "${IMGBUILD_LAYERS:-overlay.tar.gz:$digest:$IMGBUILD_OVERLAY_SIZE}"
	step='unpacking the overlay'
	mkdir -p "${stage%/*}"
	writable
	room=$(df -kP "${stage%/*}" | awk 'END { print $4 }')
	[ "$room" -ge "$IMGBUILD_OVERLAY_ROOM" ] ||
		fail "the overlay needs $IMGBUILD_OVERLAY_ROOM KiB in ${stage%/*}, $room are free"
	rm -rf "$stage.part" "$run/joined"
	mkdir -p "$stage.part/root"
	mkfifo "$run/joined"
	sha256sum <"$run/joined" >"$run/sha256" 9>&- &
	join 2>"$run/err" | tee "$run/joined" | tar -xzpmf - -C "$stage.part/root" --no-same-owner 2>>"$run/err" ||
		fail "cannot unpack the overlay: $(said)"
	wait $!
	found=$(cut -c1-64 "$run/sha256")
	[ "$found" = "$digest" ] || fail "the overlay has sha256 $found, expected $digest"
	more=$stage.part/root/$lists/releases.sh
	# shellcheck source=src/render/first_boot/releases.sh
	[ ! -f "$more" ] || . "$more"
	echo "$digest" >"$stage.part/sha256"
	sync
	mv "$stage.part" "$stage"
	release
	rm -rf downloads
}

# How it is applied is part of the overlay, which is verified by now.
apply() {
	is "$stage/sha256" || rm -rf "$stage"
	[ -d "$stage" ] || is applied || unpack
	step='applying the overlay' root=''
	[ ! -d "$stage" ] || root=$stage/root
	[ -s "$root/$lists/apply.sh" ] || fail "no $root/$lists/apply.sh"
	# shellcheck source=src/render/first_boot/apply.sh
	. "$root/$lists/apply.sh"
}

# shellcheck disable=SC2086 # lists of unit names
start() {
	step='starting the services' all='' again='' changed=" $(tr '\n' ' ' <restart)"
	while IFS=$tab read -r name units _; do
		[ "$units" != - ] || continue
		all="$all ${units//,/ }"
		case $changed in *" $name "*) again="$again ${units//,/ }" ;; esac
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
	for unit in ${1//,/ }; do
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

now
began=$now
mkdir -p "$state"
cd "$state"
{ install -d -m 0700 "$run" && exec 9>"$run/lock" && flock -n -E 75 9; } || code=$?
case $code in
0) ;;
75) echo 'imgbuild: another run is at work' >&2 && exit 75 ;;
*) reason="cannot lock $run/lock" && verdict failed && exit 1 ;;
esac
trap finish EXIT
trap 'exit 143' HUP INT TERM
[ ! -s attempt ] || attempt=$(($(cat attempt) + 1))
put attempt <<<"$attempt"
[ -f seed/node.conf ] || fail "no $state/seed/node.conf"
# Of an earlier seed, whose secrets a cut may have left.
[ ! -h seed ] || find . -maxdepth 1 -name 'seed-*' ! -name "$(readlink seed)" -exec rm -rf {} +
sed -n /^IMGBUILD_/p seed/node.conf >"$run/conf"
# shellcheck source=/dev/null
. "$run/conf"
digest=$IMGBUILD_OVERLAY_SHA256
[[ $digest =~ ^[0-9a-f]{64}$ ]] || fail "no digest in $state/seed/node.conf"
[ "$IMGBUILD_FORMAT" != sysext ] || lists=etc/imgbuild stage=/var/lib/imgbuild/new
apply
start
wait_for_health
