# What stands in the way of a host that is to become a node, as key=value lines. It changes nothing.
# Arguments: host and port of the control plane endpoint.
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
say() { printf '%s=%s\n' "$1" "$2"; }
value() { [ -r "$2" ] && say "$1" "$(head -n 1 "$2" 2>/dev/null)"; }

[ -d /run/systemd/system ] && say systemd yes
say cgroup "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)"
value ipforward /proc/sys/net/ipv4/ip_forward
value bridge /proc/sys/net/bridge/bridge-nf-call-iptables
if [ -d /sys/module/br_netfilter ] || modprobe -n br_netfilter >/dev/null 2>&1; then say brnetfilter yes; fi
if grep -qw overlay /proc/filesystems || modprobe -n overlay >/dev/null 2>&1; then say overlay yes; fi
say disk "$(df -Pk /var/lib 2>/dev/null | awk 'NR == 2 { print $4 }')"
# Ports that are listened on, in hexadecimal (proc_pid_net(5)): the second field ends in it, state 0A is LISTEN.
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { n = split($2, a, ":"); print "port=" a[n] }' | sort -u
for f in /etc/kubernetes/kubelet.conf /etc/kubernetes/admin.conf /etc/kubernetes/manifests/etcd.yaml /var/lib/etcd/member; do
  [ -e "$f" ] && say leftover "$f"
done
[ -e /var/lib/kanrin/installed.json ] && say leftover /var/lib/kanrin/installed.json
for f in /etc/cni/net.d/*; do
  [ -e "$f" ] && say cni "$f"
done
for p in kubelet kubeadm containerd crio runc conntrack; do
  command -v "$p" >/dev/null 2>&1 && say program "$p"
done
if command -v apt-cache >/dev/null 2>&1; then
  for p in kubelet kubeadm containerd; do
    v=$(apt-cache policy "$p" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')
    case $v in '' | '(none)') ;; *) say "apt.$p" "$v" ;; esac
  done
fi
if command -v ip >/dev/null 2>&1; then
  ip -o addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print "address=" $4 }'
fi
if command -v bash >/dev/null 2>&1; then
  if timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null; then say endpoint yes; else say endpoint no; fi
fi
echo end=
