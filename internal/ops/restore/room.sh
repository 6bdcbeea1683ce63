# Prints how much is free below the data directory of etcd ($1), and how much its data takes, in KiB.
d=$1
while [ ! -d "$d" ]; do d=$(dirname "$d"); done
echo "free=$(df -Pk "$d" | awk 'NR == 2 { print $4 }')"
echo "used=$(du -sk "$1/member" 2>/dev/null | cut -f1)"
