package hoststest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BMC is ipmi_sim of OpenIPMI on 127.0.0.1, with a user that may do everything and a machine that is off.
type BMC struct {
	Port           int
	User, Password string
	dir            string
}

const chassisScript = `#!/bin/sh
# Called by ipmi_sim with: get power, or: set power 0|1.
dir=$(dirname "$0")
echo "$*" >>"$dir/orders"
case "$1 $2" in
"get power") [ -e "$dir/on" ] && echo power:1 || echo power:0 ;;
"set power") if [ "$3" = 1 ]; then : >"$dir/on"; else rm -f "$dir/on"; fi ;;
*) exit 1 ;;
esac
`

// StartBMC runs the simulator until the test ends. The test is skipped where it is not installed (hack/prepare.sh test does that).
func StartBMC(t testing.TB) *BMC {
	t.Helper()
	program, err := exec.LookPath("ipmi_sim")
	if err != nil {
		t.Skip("no ipmi_sim here: run hack/prepare.sh test")
	}
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	b := &BMC{Port: l.LocalAddr().(*net.UDPAddr).Port, User: "admin", Password: "open-sesame", dir: dir(t)}
	must(t, l.Close())
	must(t, os.Mkdir(filepath.Join(b.dir, "state"), 0o755))
	write(t, filepath.Join(b.dir, "chassis"), []byte(chassisScript), 0o755)
	write(t, filepath.Join(b.dir, "commands"), []byte("mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n"), 0o644)
	write(t, filepath.Join(b.dir, "lan.conf"), fmt.Appendf(nil, `name "bmc"
set_working_mc 0x20
startlan 1
addr 127.0.0.1 %d
priv_limit admin
allowed_auths_callback none md2 md5 straight
allowed_auths_user none md2 md5 straight
allowed_auths_operator none md2 md5 straight
allowed_auths_admin none md2 md5 straight
guid a123456789abcdefa123456789abcdef
endlan
chassis_control "%s"
user 2 true "%s" "%s" admin 10 none md2 md5 straight
`, b.Port, filepath.Join(b.dir, "chassis"), b.User, b.Password), 0o644)
	c := exec.Command(program, "-n", "-c", filepath.Join(b.dir, "lan.conf"), "-f", filepath.Join(b.dir, "commands"), "-s", filepath.Join(b.dir, "state"))
	log := &lockedBuffer{}
	c.Stdout, c.Stderr = log, log
	must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
		if t.Failed() {
			t.Logf("ipmi_sim said:\n%s\nand was ordered:\n%s", log, b.Orders())
		}
	})
	time.Sleep(300 * time.Millisecond) // UDP: nothing tells that it listens; the client repeats what is lost
	return b
}

// Orders that the chassis was given, one a line.
func (b *BMC) Orders() string {
	data, _ := os.ReadFile(filepath.Join(b.dir, "orders")) // none yet
	return string(data)
}
