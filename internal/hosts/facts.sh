# What a machine says of itself, as key=value lines. Any of it may be missing.
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
try() { timeout 5 "$@" 2>/dev/null </dev/null | head -c 2048; }
show() { k=$1; shift; printf '%s=%s\n' "$k" "$(try "$@" | head -n 1)"; }

for f in /etc/os-release /usr/lib/os-release; do
  [ -r "$f" ] && { show os sed -n 's/^PRETTY_NAME=//p' "$f"; break; }
done
show kernel uname -r
show arch uname -m
show hostname uname -n
show boot cat /proc/sys/kernel/random/boot_id
# The start of process 1 in clock ticks since the boot (proc(5), field 22): containers share the boot id of their machine.
s=$(cat /proc/1/stat 2>/dev/null) && { set -f; set -- ${s##*)}; set +f; printf 'init=%s\n' "${20:-}"; }
show ticks getconf CLK_TCK
show btime sed -n 's/^btime //p' /proc/stat
show cpus nproc
show memory sed -n 's/^MemTotal: *//p' /proc/meminfo
[ -r /proc/swaps ] && printf 'swaps=%s\n' "$(($(wc -l </proc/swaps) - 1))"
command -v kubelet >/dev/null && show kubelet kubelet --version
command -v kubeadm >/dev/null && show kubeadm kubeadm version -o short
command -v containerd >/dev/null && show containerd containerd --version
command -v crio >/dev/null && show crio crio --version
for u in kubelet containerd crio; do
  try systemctl show -p LoadState -p ActiveState "$u.service" | sed "s/^/unit.$u./"
done
[ -d /var/lib/etcd/member ] && echo etcd=yes
for p in / /var/lib/etcd /var/lib/containerd /var/lib/kubelet /var/log; do
  [ -d "$p" ] && try df -Pk "$p" | sed -n "2s|^|disk.$p=|p"
done
# The clock: each line read is answered with the time at once.
echo ready=
for i in 1 2 3; do
  read -r line || exit 0
  date +clock=%s%N
done
