# Starts a script as a transient unit. Arguments: the script, its arguments. Nothing secret is among them.
set -eu
umask 077
mkdir -p /run/kanrin
chmod 700 /run/kanrin
systemctl reset-failed kanrin-job.service 2>/dev/null || :
rm -f /run/kanrin/job.rc
: >/run/kanrin/job.log
script=$1
shift
systemd-run --quiet --no-ask-password --unit=kanrin-job.service --description='Kanrin: a step on this host' \
  --property=StandardOutput=append:/run/kanrin/job.log --property=StandardError=append:/run/kanrin/job.log \
  --property=TimeoutStopSec=20 --setenv=HOME=/root --setenv=LC_ALL=C --setenv=DEBIAN_FRONTEND=noninteractive \
  --setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /bin/sh -c 'rc=0; /bin/sh -c "$0" sh "$@" || rc=$?; echo "$rc" >/run/kanrin/job.rc; exit "$rc"' "$script" "$@"
