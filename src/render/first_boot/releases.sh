# Fetches the releases that an overlay leaves to the node, and makes what is wanted of them part of it. bootstrap.sh reads this when the
# overlay has its digest; of it this uses find_parts, step, fail, said and put, as README.md says of the contract.
# shellcheck shell=bash disable=SC2154 # `run` is of the contract too

# LISTS ROOT: the folder of the overlay's lists, and that in which it is unpacked
unpack_releases() {
	# A release of unknown size gets the limit that a build has.
	awk -F '\t' -v OFS='\t' '!($2 in seen) { seen[$2]; print $2, "the release of " $1, $3 ? $3 : 4294967296, $2, $4 }' \
		"$1/releases" >"$run/releases"
	step 'looking for the releases'
	find_parts "$run/releases" "$1/fetch.py"
	step 'unpacking the releases'
	python3 -I "$1/releases.py" "$1/releases" "$run/parts" "$2" >"$run/added" 2>"$run/err" || fail "$(said)"
	sort -u "$run/added" "$1/files" >"$run/files"
	put "$1/files" <"$run/files"
}
unpack_releases "$1" "$2"
