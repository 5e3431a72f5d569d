# Shared by the scripts in .ci; source it. Each script runs alone, and .ci/run calls them all.
# shellcheck shell=bash
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
CI_STATE=${CI_STATE:-build-ci} # what the steps leave for the summary: logs, failed steps, minutes
mkdir -p "$CI_STATE"

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() { # names of Debian packages; a package that this release lacks is left out and named
	local package wanted=()
	for package in "$@"; do
		case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in *"ok installed"*) continue ;; esac
		if apt-cache show "$package" >/dev/null 2>&1; then wanted+=("$package"); else echo "this release has no $package"; fi
	done
	[ ${#wanted[@]} -eq 0 ] || as_root apt-get install -q -y --no-install-recommends "${wanted[@]}" >/dev/null
}

run() { # name, command …: runs one step, notes its minutes, and notes its name if it fails
	local name=$1 started=$SECONDS
	shift
	printf '\n######## %s\n' "$name"
	if ! "$@"; then
		printf '%s\n' "$name" >>"$CI_STATE/failed"
		printf '######## FAILED: %s\n' "$name"
	fi
	printf '%5.1f min  %s\n' "$(((SECONDS - started) * 10 / 60))e-1" "$name" | tee -a "$CI_STATE/minutes"
}

suite() { # build directory, arguments of meson setup … -- arguments of meson test …
	local dir=$1 setup=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do setup+=("$1"); shift; done
	[ $# -gt 0 ] && shift
	[ -f "$dir/build.ninja" ] || meson setup "$dir" "${setup[@]}" || return 1
	ninja -C "$dir" || return 1
	printf '%s\n' "$dir/meson-logs/testlog.json" >>"$CI_STATE/logs"
	meson test -C "$dir" --print-errorlogs "$@"
}

finish() { # the exit code of a script that runs alone; .ci/run prints the summary of all
	[ -n "${CI_ALL:-}" ] || [ ! -s "$CI_STATE/failed" ]
}
[ -n "${CI_ALL:-}" ] || rm -f "$CI_STATE"/{failed,logs,minutes}
