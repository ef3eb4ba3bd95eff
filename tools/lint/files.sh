# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The files that the lint scripts read. Sourced by them.

# lint_files [PATH...]: the project's files, relative to its root, one per line: tracked files and
# new ones that .gitignore does not name. In a tree without git: everything outside build*.
lint_files() {
  # safe.directory: with sudo the tree belongs to another user than the process.
  if ! git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null; then
    find "${@:-.}" -path ./build\* -prune -o -path ./.git -prune -o \( -type f -o -type l \) -print |
      sed 's|^\./||'
  fi | sort -u | while IFS= read -r file; do
    # A file that was deleted but not yet committed is still in the index.
    if [[ -e $file ]]; then printf '%s\n' "$file"; fi
  done
}
