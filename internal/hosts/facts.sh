# What a machine says of itself, as key=value lines. Any of it may be missing. Files are read by the shell itself, for each program costs
# a busy machine time.
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# try PROGRAM ARGUMENT…: what it prints, within 5 s and 4 KiB.
try() { timeout 5 "$@" 2>/dev/null </dev/null | head -c 4096; }
# version KEY PROGRAM ARGUMENT…: its first line, if there is such a program.
version() {
  k=$1
  shift
  command -v "$1" >/dev/null 2>&1 && try "$@" | { read -r v; printf '%s=%s\n' "$k" "$v"; }
}

for f in /etc/os-release /usr/lib/os-release; do
  [ -r "$f" ] || continue
  while IFS= read -r l; do case $l in PRETTY_NAME=*) printf 'os=%s\n' "${l#*=}" ;; esac; done <"$f"
  break
done
printf 'uname=%s\n' "$(uname -nrm)"
read -r l </proc/sys/kernel/random/boot_id && printf 'boot=%s\n' "$l"
# The start of process 1 in clock ticks since the boot (proc(5), field 22): containers share the boot id of their machine.
read -r l </proc/1/stat && { set -f; set -- ${l##*)}; set +f; printf 'init=%s\n' "${20:-}"; }
printf 'ticks=%s\n' "$(getconf CLK_TCK 2>/dev/null)"
while read -r k l; do case $k in btime) printf 'btime=%s\n' "$l" ;; esac; done </proc/stat
printf 'cpus=%s\n' "$(nproc 2>/dev/null)"
read -r k l </proc/meminfo && printf 'memory=%s\n' "$l"
n=-1
while read -r l; do n=$((n + 1)); done </proc/swaps && printf 'swaps=%s\n' "$n"
version kubelet kubelet --version
version kubeadm kubeadm version -o short
version containerd containerd --version
version crio crio --version
if command -v systemctl >/dev/null 2>&1; then
  try systemctl show -p Id -p LoadState -p ActiveState kubelet.service containerd.service crio.service
fi
[ -d /var/lib/etcd/member ] && echo etcd=yes
set --
for p in / /var/lib/etcd /var/lib/containerd /var/lib/kubelet /var/log; do
  [ -d "$p" ] && set -- "$@" "$p"
done
try df -Pk "$@" | { read -r l; while read -r l; do printf 'disk.%s=%s\n' "$1" "$l"; shift; done; }
# The clock: each line read is answered with the time at once.
echo ready=
for i in 1 2 3; do
  read -r l || exit 0
  date +clock=%s%N
done
