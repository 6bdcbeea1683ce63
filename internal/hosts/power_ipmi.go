package hosts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	ipmi "github.com/bougou/go-ipmi/pkg/client"
	"github.com/bougou/go-ipmi/pkg/command/chassis"
	"github.com/bougou/go-ipmi/pkg/types"
)

const (
	bmcTimeout   = 20 * time.Second // of one order with its session
	bmcPatience  = 2 * time.Second  // for one reply
	bmcRetries   = 2
	bmcFarewell  = 5 * time.Second
	bmcMaxSecret = 20 // bytes of a password in IPMI 2.0 (section 22.30)
)

// bmc is a baseboard management controller, spoken to over RMCP+ (IPMI 2.0). Each order has a session of its own, which is closed: a BMC
// has few.
type bmc struct {
	name           string // of the host
	address        string
	port           int
	user, password string
}

func newBMC(name, address string, port int, user, password string) (*bmc, error) {
	switch {
	case user == "" || password == "":
		return nil, fmt.Errorf("the Secret with the credentials of the BMC of %s lacks username or password", name)
	case len(password) > bmcMaxSecret:
		return nil, fmt.Errorf("the password for the BMC of %s has more than %d bytes, which IPMI 2.0 does not allow", name, bmcMaxSecret)
	}
	return &bmc{name: name, address: address, port: port, user: user, password: password}, nil
}

func (b *bmc) State(ctx context.Context) (PowerState, error) {
	state := PowerUnknown
	err := b.session(ctx, "asking for the power state", func(ctx context.Context, c *ipmi.Client) (err error) {
		state, err = powerOf(ctx, c)
		return err
	})
	return state, err
}

func (b *bmc) On(ctx context.Context) error {
	return b.turn(ctx, PowerOn, chassis.ChassisControlPowerUp)
}

func (b *bmc) Off(ctx context.Context) error {
	return b.turn(ctx, PowerOff, chassis.ChassisControlPowerDown)
}

func (b *bmc) turn(ctx context.Context, to PowerState, control chassis.ChassisControl) error {
	return b.session(ctx, "switching "+string(to), func(ctx context.Context, c *ipmi.Client) error {
		// Some controllers refuse to switch on what is on.
		if s, err := powerOf(ctx, c); err == nil && s == to {
			return nil
		}
		_, err := c.ChassisControl(ctx, control)
		return err
	})
}

func powerOf(ctx context.Context, c *ipmi.Client) (PowerState, error) {
	s, err := c.GetChassisStatus(ctx)
	switch {
	case err != nil:
		return PowerUnknown, err
	case s.PowerIsOn:
		return PowerOn, nil
	}
	return PowerOff, nil
}

// session signs in, calls f and signs out.
func (b *bmc) session(ctx context.Context, doing string, f func(context.Context, *ipmi.Client) error) error {
	fail := func(err error) error {
		return fmt.Errorf("%s: the BMC of %s at %s: %w", doing, b.name, net.JoinHostPort(b.address, strconv.Itoa(b.port)), err)
	}
	own, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	host := b.address
	if strings.Contains(host, ":") {
		host = "[" + host + "]" // the library joins host and port itself
	}
	c, err := ipmi.NewClient(host, b.port, b.user, b.password)
	if err != nil {
		return fail(err)
	}
	// Suites with integrity and confidentiality only: the library would take what the BMC offers, suite 0 (no password) included.
	// Operator is the lowest level that may switch (IPMI 2.0, appendix G).
	c = c.WithTimeout(bmcPatience).WithRetry(bmcRetries).WithMaxPrivilegeLevel(types.PrivilegeLevelOperator).
		WithCipherSuiteID(types.CipherSuiteID17, types.CipherSuiteID3)
	farewell := time.Second // a session that was half opened may not answer
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		_ = c.Close(bye) // the session ends by itself within a minute; the order was given or was not
	}()
	if err := c.Connect(own); err != nil {
		return fail(b.reason(own, err))
	}
	farewell = bmcFarewell
	if err := f(own, c); err != nil {
		return fail(b.reason(own, err))
	}
	return nil
}

// ErrBMCSilent is a BMC that did not answer within the time of an order.
var ErrBMCSilent = errors.New("it gives no answer; check its address and that IPMI over LAN is switched on")

// reason makes one line of the library's words, which run over several. The library gives no types to tell a wrong password by.
func (b *bmc) reason(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		return ErrBMCSilent
	}
	text := strings.ReplaceAll(err.Error(), b.password, "…")
	return errors.New(lastLines([]byte(text), 3))
}
