# shellcheck shell=bash
# The files of the project, by the language that they are written in.

# Prints, each with a NUL behind it, the files with the extension EXTENSION and those whose first line names one of the
# interpreters INTERPRETERS: written_in sh 'sh|bash'.
written_in() {
    local file
    git ls-files --cached --others --exclude-standard | while read -r file; do
        case $file in
        *".$1") printf '%s\0' "$file" ;;
        *) if [ -f "$file" ] && LC_ALL=C head -c 64 "$file" | LC_ALL=C grep -qaE "^#!.*[/ ]($2)[0-9]*( |\$)"; then printf '%s\0' "$file"; fi ;;
        esac
    done
}
