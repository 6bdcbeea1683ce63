# What a restore does on a control plane. Arguments: what, the operation, the data directory of etcd, and those of each part below.
# Each part may be called again at any time, and after it was cut off at any instant.
set -eu
umask 077
what=$1 op=$2 data=$3
shift 3
work=/var/lib/kanrin/restore/$op
kept=$work/manifests
manifests=/etc/kubernetes/manifests
stage=$data/kanrin-restore-$op
# A directory that something is mounted on cannot be renamed: then what was there stays below it.
if awk -v d="$data" '$5 == d { f = 1 } END { exit !f }' /proc/self/mountinfo; then aside=$data/before-$op; else aside=$data.before-$op; fi
durable() { sync "$@" 2>/dev/null || sync; }

case $what in
take) # static pods whose manifests are taken away
  mkdir -p "$kept"
  for c in "$@"; do
    if [ -e "$manifests/$c.yaml" ]; then
      cp -p "$manifests/$c.yaml" "$kept/$c.yaml.new"
      durable "$kept/$c.yaml.new"
      mv -f "$kept/$c.yaml.new" "$kept/$c.yaml"
      durable "$kept"
      rm -f "$manifests/$c.yaml"
      durable "$manifests"
    else [ -e "$kept/$c.yaml" ] || { echo "$manifests/$c.yaml is missing" >&2; exit 44; }; fi
  done ;;
taken) # prints those that are away
  for c in "$@"; do [ ! -e "$kept/$c.yaml" ] || [ -e "$manifests/$c.yaml" ] || echo "$c"; done ;;
give) # and put back as they were
  (umask 022 && mkdir -p "$manifests")
  for c in "$@"; do
    [ -e "$kept/$c.yaml" ] || continue
    cp -p "$kept/$c.yaml" "$manifests/.kanrin-$c"
    durable "$manifests/.kanrin-$c"
    mv -f "$manifests/.kanrin-$c" "$manifests/$c.yaml"
    durable "$manifests"
    rm -f "$kept/$c.yaml"
  done ;;
given) # prints those that are where they belong
  for c in "$@"; do [ -e "$kept/$c.yaml" ] || [ ! -e "$manifests/$c.yaml" ] || echo "$c"; done ;;
drop) # forgets those that were replaced by others
  for c in "$@"; do [ ! -e "$manifests/$c.yaml" ] || rm -f "$kept/$c.yaml"; done ;;
room) # makes the places for what is brought
  mkdir -p "$work" "$data" "$stage"
  chmod 700 "$stage" "$work" ;;
have) # prints size and path of those that are there; of the program its checksum
  for f in "$stage/snapshot.db" "$work/kanrin-kube"; do [ ! -f "$f" ] || echo "$(wc -c <"$f") $f"; done
  [ ! -f "$work/kanrin-kube" ] || echo "sum $(sha256sum <"$work/kanrin-kube")" ;;
build) # name, peer URL, initial cluster, token, bump
  exec 9>"$work/lock"
  flock -w 2 9 || exit 75
  [ ! -e "$stage/built" ] || exit 0
  rm -rf "$stage/new"
  "$work/kanrin-kube" etcdutl snapshot restore "$stage/snapshot.db" --data-dir "$stage/new" --name "$1" --initial-advertise-peer-urls "$2" \
    --initial-cluster "$3" --initial-cluster-token "$4" --bump-revision "$5" --mark-compacted </dev/null 9>&-
  chown -R --reference="$data" "$stage/new"
  [ -d "$stage/new/member" ]
  sync
  : >"$stage/built"
  durable "$stage/built" "$stage"
  rm -f "$stage/snapshot.db" ;;
built) [ ! -e "$stage/built" ] || echo yes ;;
swap)
  [ -e "$stage/built" ] || { echo "$stage/built is missing" >&2; exit 44; }
  if [ -d "$stage/new/member" ]; then
    if [ -e "$data/member" ]; then
      [ ! -e "$aside/member" ] || { echo "$aside/member is there already" >&2; exit 45; }
      mkdir -p "$aside"
      chown --reference="$data" "$aside"
      mv -T "$data/member" "$aside/member"
      durable "$aside" "$data"
    fi
    mv -T "$stage/new/member" "$data/member"
    durable "$data"
  fi
  echo "$aside" ;;
swapped) [ ! -e "$stage/built" ] || [ -e "$stage/new/member" ] || [ ! -d "$data/member" ] || echo yes ;;
unswap)
  if [ -e "$stage/built" ] && [ ! -e "$stage/new/member" ] && [ -d "$data/member" ]; then
    mv -T "$data/member" "$stage/new/member"
    durable "$data"
  fi
  if [ -e "$aside/member" ] && [ ! -e "$data/member" ]; then
    mv -T "$aside/member" "$data/member"
    durable "$data"
    rmdir "$aside"
  fi ;;
aside) # sets the data aside and puts nothing in its place
  if [ -e "$data/member" ] && [ ! -e "$work/aside" ]; then
    [ ! -e "$aside/member" ] || { echo "$aside/member is there already" >&2; exit 45; }
    mkdir -p "$aside" "$work"
    chown --reference="$data" "$aside"
    mv -T "$data/member" "$aside/member"
    durable "$aside" "$data"
  fi
  mkdir -p "$work"
  : >"$work/aside"
  durable "$work/aside" "$work"
  echo "$aside" ;;
asided) [ ! -e "$work/aside" ] || echo yes ;;
unaside)
  if [ -e "$aside/member" ] && [ ! -e "$data/member" ]; then
    mv -T "$aside/member" "$data/member"
    durable "$data"
    rmdir "$aside"
  fi
  rm -f "$work/aside" ;;
unpack) # takes an archive of the host's own files from its input
  rm -rf "$work/files"
  mkdir -p "$work/files" "$kept"
  tar --extract --file=- --directory="$work/files" --numeric-owner --same-permissions
  sync
  : >"$work/files.whole"
  durable "$work/files.whole" ;;
place) # puts them in their places, all of which are free; static pods stay away until it is their turn
  [ ! -e "$work/placed.whole" ] || exit 0
  [ -e "$work/files.whole" ] || { echo "$work/files is not whole" >&2; exit 44; }
  (umask 022 && mkdir -p "$manifests")
  cd "$work/files"
  find . -mindepth 1 \( -type f -o -type l \) >"$work/list"
  while IFS= read -r p; do
    case $p in
    ./etc/kubernetes/manifests/*) to=$kept/${p##*/} ;;
    *) to=/${p#./} ;;
    esac
    if [ -L "$to" ] || [ -e "$to" ]; then
      if [ -L "$p" ] && [ "$(readlink "$p")" = "$(readlink "$to" 2>/dev/null)" ] || [ ! -L "$p" ] && [ ! -L "$to" ] && cmp -s "$p" "$to"; then continue; fi
      echo "$to is there already and is another" >&2
      exit 45
    fi
    printf '%s\n' "$to" >>"$work/placed"
    (umask 022 && mkdir -p "${to%/*}")
    rm -rf "$to.kanrin-new"
    cp -a "$p" "$to.kanrin-new"
    mv -T "$to.kanrin-new" "$to"
  done <"$work/list"
  sync
  : >"$work/placed.whole"
  durable "$work/placed.whole" "$work"
  rm -rf "$work/files" "$work/files.whole" "$work/list" ;;
placed) [ ! -e "$work/placed.whole" ] || echo yes ;;
unplace)
  rm -f "$work/placed.whole"
  rm -rf "$work/files" "$work/files.whole" "$work/list"
  [ ! -e "$work/placed" ] || while IFS= read -r p; do
    rm -f "$p" "$p.kanrin-new"
    rmdir -p "${p%/*}" 2>/dev/null || :
  done <"$work/placed"
  rm -f "$work/placed" ;;
tidy) # all that was brought; never what was there before
  rm -rf "$stage" "$work/kanrin-kube" "$work/lock" "$work/aside" "$work/files" "$work/files.whole" "$work/list" "$work/placed.whole" "$work/placed"
  find "$work" -maxdepth 1 -name '.kanrin-*' -type f -exec rm -f {} + 2>/dev/null || :
  rmdir "$kept" 2>/dev/null || :
  rmdir "$work" 2>/dev/null || :
  rmdir /var/lib/kanrin/restore /var/lib/kanrin 2>/dev/null || :
  if [ -e "$aside/member" ]; then echo "$aside"; fi ;;
*) exit 64 ;;
esac
