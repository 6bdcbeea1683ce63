# Prints the command lines of processes that may be those of a control plane, with their pids, words apart by 037, and the ports listened on.
for f in $(grep -l -a -E '(^|/)(kube-apiserver|kube-controller-manager|kube-scheduler|etcd)' /proc/[0-9]*/cmdline 2>/dev/null); do
  pid=${f#/proc/}
  printf 'process %s ' "${pid%/cmdline}"
  tr '\000\n' '\037 ' <"$f" 2>/dev/null || :
  echo
done
awk '$4 == "0A" { n = split($2, a, ":"); print "port " a[n] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u
echo end
