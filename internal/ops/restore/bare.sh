# Prints what a restore onto a bare host has to know.
for p in /etc/kubernetes/manifests/*.yaml /etc/kubernetes/pki/*.crt /etc/kubernetes/*.conf /var/lib/kubelet/pki/* /var/lib/kubelet/config.yaml; do
  [ ! -e "$p" ] || echo "leftover=$p"
done
for u in containerd crio; do [ "$(systemctl is-active $u 2>/dev/null)" != active ] || echo "runtime=$u"; done
systemctl cat kubelet >/dev/null 2>&1 || echo "lacks=kubelet"
for p in flock awk sha256sum tar; do command -v $p >/dev/null 2>&1 || echo "lacks=$p"; done
for a in $(hostname -I 2>/dev/null); do echo "address=$a"; done
d=/var/lib/etcd
while [ ! -d "$d" ]; do d=$(dirname "$d"); done
echo "free=$(df -Pk "$d" | awk 'NR == 2 { print $4 }')"
echo "state=$(df -Pk /var/lib | awk 'NR == 2 { print $4 }')"
echo end=
