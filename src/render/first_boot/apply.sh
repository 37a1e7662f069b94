# Puts a verified overlay in place: what changed, what went away, users, folders, private files.
# Part of the overlay, and read by bootstrap.sh, whose functions and names it uses: `root` is where the overlay is unpacked, or
# empty if that is done. What bootstrap.sh says of `set -e` holds here too.
# shellcheck shell=bash disable=SC2154,SC2164 # `set -e` and the names are of bootstrap.sh

extensions=/var/lib/extensions unfinished=.imgbuild-new # ends the name of a private file until it is complete

# LIST: fails if anybody but root can change what leads to one of these paths: root would go where they want. namei(1)
# shows every folder on the way, those behind links too.
guard() {
	sed 's,/[^/]*$,,' "$1" | sort -u | while IFS= read -r folder; do
		until [ -d "$folder/" ]; do folder=${folder%/*}; done
		echo "$folder/"
	done | sort -u >"$run/ways"
	xargs -d '\n' -r namei -l <"$run/ways" >"$run/owners"
	foreign=$(awk '/^f/ { way = substr($0, 4) } /^ *d/ && !/^ *d....-..-. root / { print way " (" $1, $2, $3 ")"; exit }' "$run/owners")
	[ -z "$foreign" ] || fail "not only root can change the way to $foreign: nothing below is touched"
}

# FILE: the units in a list of components
units() { cut -f2 "$1" | tr , '\n' | sed '/^-$/d' | sort -u; }

# Removes what an earlier overlay brought and this one does not, and folders of its making that are empty then.
remove_stale() {
	units components >"$run/old"
	units "$root/$lists/components" >"$run/new"
	gone=$(comm -23 "$run/old" "$run/new")
	# shellcheck disable=SC2086 # unit names; an interrupted run may have removed their files
	[ -z "$gone" ] || systemctl disable --now $gone || systemctl stop $gone || :
	cut -f3 files | sort -u >"$run/old"
	cut -f3 "$run/files" | sort -u >"$run/new"
	comm -23 "$run/old" "$run/new" | while IFS= read -r file; do
		for file in "$file" "$file$unfinished"; do
			[[ ! -f $file && ! -h $file ]] || echo "$file"
		done
	done >"$run/stale"
	guard "$run/stale"
	xargs -d '\n' -r rm -f -- <"$run/stale" 2>"$run/err" || fail "cannot remove stale files: $(said)"
	[ -n "$root" ] || return 0
	sort -r folders | while IFS= read -r dir; do
		[ -d "$root$dir" ] || [ ! -d "$dir" ] || echo "$dir"
	done >"$run/stale"
	guard "$run/stale"
	xargs -d '\n' -r rmdir --ignore-fail-on-non-empty -- <"$run/stale" 2>/dev/null || :
}

# Linking replaces each file at once and needs no room; what cannot be linked (another file system, a folder
# that is a link here) is copied. Existing folders keep their owners and modes.
link_files() {
	cut -f3 "$root/$lists/files" >"$run/new"
	guard "$run/new"
	cd "$root"
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

# A list's fields are never empty: a tab is white space to IFS, and `read` takes several of them for one.
install_private() {
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

# Merges the overlay's extensions, if any changed or is not merged, and has the system do so whenever it starts.
merge() {
	names=$(sed -n "s,.*$tab$extensions/\(.*\)\.raw$,\1,p" "$run/files")
	again=$(sed -n '/^extensions$/p' restart)
	for name in $names; do
		[ -e "/usr/lib/extension-release.d/extension-release.$name" ] || again=yes
	done
	[ -z "$again$unmerged" ] || systemd-sysext refresh >/dev/null 2>"$run/err" || fail "cannot merge the extensions: $(said)"
	unmerged=''
	[ -z "$names" ] || ctl enable --no-reload systemd-sysext.service
}

[ -s "$root/$lists/files" ] || fail "no $root/$lists/files"
touch files components folders restart seed/private.list
sed "s/$tab.*$tab/${tab}private$tab/" seed/private.list | sort -u - "$root/$lists/files" >"$run/files"
# Until all is applied the list is of the old files and the new; what is to be restarted is kept too.
sort files "$run/files" | uniq -u | sed "s,.*$tab$extensions/.*,&\nextensions," | cut -f1 | sort -u - restart >"$run/new"
put restart <"$run/new"
sort -u files "$run/files" >"$run/new"
put files <"$run/new"
if [ -n "$root" ]; then
	writable
	rm -f applied
fi
remove_stale
[ -z "$root" ] || link_files
for kind in sysusers tmpfiles; do
	conf=$(sed -nE "s,.*$tab(/(usr/lib|etc)/$kind\.d/),\1,p" "$run/files")
	[ -n "$conf" ] || continue
	[ $kind = sysusers ] || set -- --create
	# shellcheck disable=SC2086 # file names
	systemd-$kind "$@" $conf 2>"$run/err" || fail "systemd-$kind: $(said)"
done
install_private
put components <"/$lists/components"
put files <"$run/files"
put applied <<<"$digest"
rm -rf "$stage"
merge
