# Takes away what a node leaves behind on its machine, after kubeadm reset. May be repeated. Arguments: "fresh" when the runtime's state
# goes too, else "kept"; then the files of /etc/cni/net.d that stay, or "all".
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
runtime=$1
shift
failed=0

systemctl stop kubelet.service 2>/dev/null
if command -v ctr >/dev/null 2>&1 && systemctl -q is-active containerd.service; then
  for t in $(timeout 20 ctr -n k8s.io tasks ls -q 2>/dev/null); do
    timeout 10 ctr -n k8s.io tasks kill -a -s SIGKILL "$t" >/dev/null 2>&1
    timeout 10 ctr -n k8s.io tasks rm -f "$t" >/dev/null 2>&1
  done
  for c in $(timeout 20 ctr -n k8s.io containers ls -q 2>/dev/null); do
    timeout 10 ctr -n k8s.io containers rm "$c" >/dev/null 2>&1
  done
fi

# What is mounted below a directory is somebody's data: nothing there is deleted before it is unmounted.
empty() {
  [ -d "$1" ] || return 0
  awk -v d="$1/" 'index($5, d) == 1 { print length($5), $5 }' /proc/self/mountinfo | sort -rn | cut -d' ' -f2- | while read -r p; do
    umount "$(printf '%b' "$p")" 2>/dev/null || umount -l "$(printf '%b' "$p")" 2>/dev/null
  done
  if awk -v d="$1/" 'index($5, d) == 1 { found = 1 } END { exit !found }' /proc/self/mountinfo; then
    echo "something is still mounted below $1" >&2
    failed=1
    return 0
  fi
  find "$1" -xdev -mindepth 1 -delete || failed=1
}
empty /var/lib/kubelet
empty /var/lib/etcd
empty /etc/kubernetes
empty /var/lib/cni
empty /var/lib/dockershim
empty /var/log/pods
empty /var/log/containers
if [ "$runtime" = fresh ]; then
  systemctl stop containerd.service crio.service 2>/dev/null
  empty /run/containerd
  empty /var/lib/containerd
  rmdir /opt/containerd/bin /opt/containerd/lib /opt/containerd /run/containerd 2>/dev/null
fi
for d in /etc/kubernetes /var/lib/kubelet /var/lib/etcd /var/lib/cni /var/log/pods /var/log/containers /run/flannel /run/calico; do
  rmdir "$d" 2>/dev/null
done

if [ "$1" != all ]; then
  for f in /etc/cni/net.d/*; do
    [ -e "$f" ] || continue
    keep=
    for k in "$@"; do [ "$f" = "$k" ] && keep=yes; done
    [ -n "$keep" ] || rm -rf "$f"
  done
fi

# Interfaces of the usual networks, and those of pods (veth pairs whose other end is gone with the pod).
if command -v ip >/dev/null 2>&1; then
  for i in cni0 flannel.1 flannel-v6.1 kube-ipvs0 nodelocaldns vxlan.calico cilium_host cilium_vxlan; do
    ip link show "$i" >/dev/null 2>&1 && ip link delete "$i"
  done
  ip -o link show type veth 2>/dev/null | sed -n 's/^[0-9]*: \(veth[0-9a-f]*\|cali[0-9a-f]*\)@.*/\1/p' | while read -r i; do
    ip link delete "$i" 2>/dev/null
  done
  for n in $(ip netns list 2>/dev/null | sed -n 's/^\(cni-[0-9a-f-]*\).*/\1/p'); do ip netns delete "$n" 2>/dev/null; done
fi

# kube-proxy's and the kubelet's chains, and those of the CNI plugins; nothing else in the tables is touched.
ours='KUBE-[A-Z0-9-]*\|CNI-[A-Za-z0-9-]*'
for cmd in iptables ip6tables; do
  command -v "$cmd" >/dev/null 2>&1 || continue
  for t in nat filter mangle; do
    save=$("$cmd-save" -t "$t" 2>/dev/null) || continue
    printf '%s\n' "$save" | grep -q "^:\($ours\) " || continue
    {
      echo "*$t"
      printf '%s\n' "$save" | grep '^-A ' | grep -v "^-A \($ours\) " | grep -- "-j \($ours\)\( \|\$\)" | sed 's/^-A/-D/'
      printf '%s\n' "$save" | sed -n "s/^:\($ours\) .*/-F \1/p"
      printf '%s\n' "$save" | sed -n "s/^:\($ours\) .*/-X \1/p"
      echo COMMIT
    } | "$cmd-restore" --noflush || failed=1
  done
done
if command -v nft >/dev/null 2>&1; then
  nft list tables 2>/dev/null | while read -r _ family name; do
    case $name in kube-proxy | cni_hostport | cni_plugins_masquerade) nft delete table "$family" "$name" ;; esac
  done
fi
# Tables of iptables in which nothing is left but the built-in chains, which let everything pass.
if command -v nft >/dev/null 2>&1; then
  for family in ip ip6; do
    for t in nat filter mangle; do
      rules=$(nft list table "$family" "$t" 2>/dev/null) || continue
      printf '%s\n' "$rules" | grep -v '^table \|^	chain \(INPUT\|OUTPUT\|FORWARD\|PREROUTING\|POSTROUTING\) {$\|^		type .* policy accept;$\|^	*}$\|^$' | grep -q . || nft delete table "$family" "$t"
    done
  done
fi
command -v ipvsadm >/dev/null 2>&1 && [ -e /proc/net/ip_vs ] && ipvsadm --clear 2>/dev/null
exit $failed
