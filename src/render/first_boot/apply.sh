#!/bin/bash
# Puts a verified overlay in place, starts its services and waits until they are healthy. It is part of the overlay, and
# bootstrap.sh runs it:
#
#     bash apply.sh ROOT SHA256        ROOT is where the overlay is unpacked, or empty if it was applied before
#
# The next line is what bootstrap.sh looks for: README.md says what the number stands for.
# apply contract: 1
#
# Rules. A command that fails ends the run (set -e), and a pipeline fails as a whole (pipefail); a list is complete before it takes
# the place of another (put). But `set -e` does not hold in a function that is called by `||`, `&&`, `!`, `if` or `until`, nor
# in what that calls: there every command carries `|| return`, or another answer to its failure. Functions take parameters;
# their results are their status, their output, and files in $run. There are no other global variables than these.
set -euf -o pipefail
shopt -s inherit_errexit
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

run=/run/imgbuild tab=$'\t'
extensions=/var/lib/extensions # where systemd-sysext finds them
unfinished=.imgbuild-new       # ends the name of a private file until it is complete

put() { cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1"; }
uptime() { local up && read -r up _ </proc/uptime && echo "${up%.*}"; }
# $run/reason is why the run fails, if it does.
step() { echo "stopped while $1" >"$run/reason"; }
fail() { echo "$1" >"$run/reason" && exit 1; }
# What a program wrote to $run/err: the first line, or the one that matters most.
said() { grep -m 1 'No space' "$run/err" || head -n 1 "$run/err"; }
ctl() { systemctl "$@" 2>"$run/err" || fail "cannot $1 the services: $(said)"; }

# The lists. `files` has COMPONENT, STATE and PATH in a line, `components` has COMPONENT, UNITS, URL and SECONDS; tabs are between.

# FILES PRIVATE: a list of files with those of the seed's private.list
with_private() { sed "s/$tab.*$tab/${tab}private$tab/" "$2" | sort -u - "$1"; }

# OLD NEW RESTART: the components to restart: those that have a line in one list alone, and those of RESTART. An extension that
# changed also restarts `extensions`, which stands for the merge.
changed_components() {
	sort "$1" "$2" | uniq -u | sed "s,.*$tab$extensions/.*,&\nextensions," | cut -f1 | sort -u - "$3"
}

# OLD NEW: the paths that the first list has alone
stale_paths() {
	cut -f3 "$1" | sort -u >"$run/old"
	cut -f3 "$2" | sort -u >"$run/new"
	comm -23 "$run/old" "$run/new"
}

# COMPONENTS: their units, in this order
units() { cut -f2 "$1" | tr , '\n' | sed '/^-$/d'; }

# OLD NEW: the units that the first list of components has alone
gone_units() {
	units "$1" | sort -u >"$run/old"
	units "$2" | sort -u >"$run/new"
	comm -23 "$run/old" "$run/new"
}

# COMPONENTS NAMES: the units of components that NAMES lists
units_of() { awk -F '\t' 'NR == FNR { names[$1]; next } $1 in names' "$2" "$1" >"$run/named" && units "$run/named"; }

# FILES KIND: the configuration files of systemd-sysusers or systemd-tmpfiles
configuration() { sed -nE "s,.*$tab(/(usr/lib|etc)/$2\.d/),\1,p" "$1"; }

# FILES: the names of the extensions
extension_names() { sed -n "s,.*$tab$extensions/\(.*\)\.raw$,\1,p" "$1"; }

# LIST: fails if anybody but root can change what leads to one of these paths: root would go where they want. namei(1)
# shows every folder on the way, those behind links too.
guard() {
	local folder foreign
	sed 's,/[^/]*$,,' "$1" | sort -u | while IFS= read -r folder; do
		until [ -d "$folder/" ]; do folder=${folder%/*}; done
		echo "$folder/"
	done | sort -u >"$run/ways"
	xargs -d '\n' -r namei -l <"$run/ways" >"$run/owners"
	foreign=$(awk '/^f/ { way = substr($0, 4) } /^ *d/ && !/^ *d....-..-. root / { print way " (" $1, $2, $3 ")"; exit }' "$run/owners")
	[ -z "$foreign" ] || fail "not only root can change the way to $foreign: nothing below is touched"
}

# FOLDER: while extensions are merged nobody can write to /usr.
make_writable() {
	[ ! -w "$1" ] || return 0
	touch "$run/unmerged"
	systemd-sysext unmerge >/dev/null 2>"$run/err" || fail "cannot unmerge the extensions: $(said)"
}

# COMPONENTS: stops the units of the old components that these lack.
stop_gone() {
	local gone
	gone=$(gone_units components "$1")
	# shellcheck disable=SC2086 # unit names; an interrupted run may have removed their files
	[ -z "$gone" ] || systemctl disable --now $gone || systemctl stop $gone || :
}

# FILES: removes what an earlier overlay brought and this one does not.
remove_files() {
	local file
	stale_paths files "$1" | while IFS= read -r file; do
		for file in "$file" "$file$unfinished"; do
			[[ ! -f $file && ! -h $file ]] || echo "$file"
		done
	done >"$run/stale"
	guard "$run/stale"
	xargs -d '\n' -r rm -f -- <"$run/stale" 2>"$run/err" || fail "cannot remove stale files: $(said)"
}

# ROOT: removes the folders that earlier overlays made and this one lacks, if they are empty.
remove_folders() {
	local dir
	sort -r folders | while IFS= read -r dir; do
		[ -d "$1$dir" ] || [ ! -d "$dir" ] || echo "$dir"
	done >"$run/stale"
	guard "$run/stale"
	xargs -d '\n' -r rmdir --ignore-fail-on-non-empty -- <"$run/stale" 2>/dev/null || :
}

# ROOT FILES: puts the overlay's files in place. Linking replaces each file at once and needs no room; what cannot be linked (another
# file system, a folder that is a link here) is copied. Existing folders keep their owners and modes.
link_files() {
	local dir state=$PWD
	cut -f3 "$2" >"$run/new"
	guard "$run/new"
	cd "$1"
	find . -type d | while IFS= read -r dir; do
		[ -d "/$dir" ] || echo "${dir#.}"
	done | sort -u - "$state/folders" >"$run/new"
	put "$state/folders" <"$run/new"
	cp -RPlf . / 2>"$run/err" ||
		find . ! -type d -links 1 -print0 | tar --null -T - -cf - |
		tar -C / -xpmf - --keep-directory-symlink --no-same-owner 2>"$run/err" ||
		fail "cannot apply the overlay: $(said)"
	sync
	cd "$state"
}

# FILES: has systemd make what the overlay's sysusers.d and tmpfiles.d say.
make_users_and_folders() {
	local kind conf
	for kind in sysusers tmpfiles; do
		conf=$(configuration "$1" $kind)
		[ -n "$conf" ] || continue
		[ $kind = sysusers ] || conf="--create $conf"
		# shellcheck disable=SC2086 # file names
		systemd-$kind $conf 2>"$run/err" || fail "systemd-$kind: $(said)"
	done
}

# Installs the seed's private files; whose file changed is to be restarted. A list's fields are never empty: a tab is white space
# to IFS, and `read` takes several of them for one.
install_private() {
	local name owner path new
	cut -f3 seed/private.list >"$run/new"
	guard "$run/new"
	while IFS=$tab read -r name owner path; do
		new=$path$unfinished
		rm -f "$new"
		! cmp -s "seed/private$path" "$path" || [ "$(stat -c %U:%G:%a "$path")" != "$owner:600" ] || continue
		mkdir -p "${path%/*}"
		if ! (umask 077 && cat "seed/private$path" >"$new" && chown "$owner" "$new" && sync "$new" && mv -fT "$new" "$path"); then
			rm -f "$new"
			fail "cannot install $path for $owner"
		fi
		echo "$name" >>restart
	done <seed/private.list
}

# FILES: merges the overlay's extensions, if any changed or is not merged, and has the system do so whenever it starts.
merge_extensions() {
	local names name again
	names=$(extension_names "$1")
	again=$(sed -n '/^extensions$/p' restart)
	for name in $names; do
		[ -e "/usr/lib/extension-release.d/extension-release.$name" ] || again=yes
	done
	[ -z "$again" ] && [ ! -e "$run/unmerged" ] || systemd-sysext refresh >/dev/null 2>"$run/err" ||
		fail "cannot merge the extensions: $(said)"
	rm -f "$run/unmerged"
	[ -z "$names" ] || ctl enable --no-reload systemd-sysext.service
}

# ROOT LISTS SHA256: from here on a cut leaves nothing half done that the next run does not complete.
apply() {
	local root=$1 lists=$2
	step 'applying the overlay'
	# Of an earlier seed, whose secrets a cut may have left.
	[ ! -h seed ] || find . -maxdepth 1 -name 'seed-*' ! -name "$(readlink seed)" -exec rm -rf {} +
	[ -s "$root$lists/files" ] || fail "no $root$lists/files"
	touch files components folders restart seed/private.list
	with_private "$root$lists/files" seed/private.list >"$run/files"
	# Until all is applied the list is of the old files and the new; what is to be restarted is kept too.
	changed_components files "$run/files" restart >"$run/restart"
	put restart <"$run/restart"
	sort -u files "$run/files" >"$run/both"
	put files <"$run/both"
	if [ -n "$root" ]; then
		make_writable "${root%/*/*}"
		rm -f applied
	fi
	stop_gone "$root$lists/components"
	remove_files "$run/files"
	if [ -n "$root" ]; then
		remove_folders "$root"
		link_files "$root" "$root$lists/files"
	fi
	make_users_and_folders "$run/files"
	install_private
	put components <"$lists/components"
	put files <"$run/files"
	put applied <<<"$3"
	[ -z "$root" ] || rm -rf "${root%/*}"
	merge_extensions "$run/files"
}

# Restarts the components that changed, and starts the others.
# shellcheck disable=SC2086 # lists of unit names
start() {
	local all again
	step 'starting the services'
	all=$(units components)
	again=$(units_of components restart)
	[ -n "$all" ] || return 0
	ctl enable --no-reload $all
	[ ! -s restart ] || ctl daemon-reload
	systemctl reset-failed $all 2>/dev/null || :
	[ -z "$again" ] || ctl restart --no-block $again
	ctl start --no-block $all
	put restart </dev/null
}

# URL: whether it answers with a success. Long enough for a busy host: an answer that is given up still costs its service the
# work for it. curl starts faster than Python, which every guest has that has cloud-init.
probe() {
	if command -v curl >/dev/null; then
		curl -fsSL -m 30 -o /dev/null "$1" || return
	else
		timeout 30 python3 -Ic 'import sys, urllib.request
try: urllib.request.urlopen(sys.argv[1], timeout=30)
except Exception as error: sys.exit(str(error))' "$1" || return
	fi
}

# UNITS URL: whether a component is healthy; if not, prints why.
healthy() {
	local unit state
	for unit in ${1//,/ }; do
		[ "$unit" != - ] || continue
		state=$(systemctl is-active "$unit") || {
			echo "$unit is $state"
			return 1
		}
	done
	[ "$2" = - ] || probe "$2" 2>"$run/err" || {
		echo "$2: $(said)"
		return 1
	}
}

# Looks twice, since a program that ends at once is active for a moment.
wait_for_health() {
	local pause name units url limit since now problem sick=''
	local -x no_proxy='*'
	since=$(uptime)
	for pause in 2 0; do
		while IFS=$tab read -r name units url limit; do
			step "waiting for $name"
			until problem=$(healthy "$units" "$url"); do
				now=$(uptime)
				[ $((now - since)) -lt "$limit" ] || {
					sick="$sick; $name is not healthy after $limit s: $problem"
					break
				}
				sleep 1
			done
		done <components
		[ -z "$sick" ] || fail "${sick#; }"
		sleep $pause
	done
}

# ROOT SHA256, in the folder of the node's state
main() {
	local lists=${0%/*}
	apply "$1" "${lists#"$1"}" "$2"
	start
	wait_for_health
}

# Tests read this file for its functions.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	main "$@"
fi
