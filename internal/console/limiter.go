package console

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"kanrin.dev/kanrin/internal/access"
)

// limiter slows down guessing of passwords, by address and by user name. Each failure beyond the free ones doubles the pause until the
// next attempt; one failure is forgiven every minute. Invariant: an attempt counts as failed from its beginning until it succeeds, so
// that attempts made at the same time get no further than those made one after the other.
type limiter struct {
	clock clock.PassiveClock

	mu      sync.Mutex
	records map[string]*strikes
}

// strikes of one address or one user name.
type strikes struct {
	count int
	last  time.Time
	until time.Time
}

const (
	freePerUser    = 5
	freePerAddress = 20
	longestPause   = time.Minute
	forgiveOne     = time.Minute
	maxRecords     = 20_000
)

func newLimiter(clk clock.PassiveClock) *limiter {
	return &limiter{clock: clk, records: map[string]*strikes{}}
}

// attempt begins a sign-in. It returns for how long the caller has to wait instead, zero when it may go on.
func (l *limiter) attempt(address, user string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	byAddress, byUser := l.record(addressKey(address), now), l.record(userKey(user), now)
	for _, s := range []*strikes{byAddress, byUser} {
		wait = max(wait, s.until.Sub(now))
	}
	if wait > 0 {
		return wait
	}
	byAddress.strike(now, freePerAddress)
	byUser.strike(now, freePerUser)
	return 0
}

// succeeded takes back the attempt, and forgives the user name's failures: its owner knows the password.
func (l *limiter) succeeded(address, user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.records, userKey(user))
	if s, ok := l.records[addressKey(address)]; ok {
		s.count, s.until = max(s.count-1, 0), time.Time{}
	}
}

// void takes back an attempt that was not judged, such as one that the management API's absence cut short.
func (l *limiter) void(address, user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range []string{addressKey(address), userKey(user)} {
		if s, ok := l.records[key]; ok {
			s.count, s.until = max(s.count-1, 0), time.Time{}
		}
	}
}

func (s *strikes) strike(now time.Time, free int) {
	s.count++
	s.last = now
	if over := s.count - free; over > 0 {
		s.until = now.Add(min(time.Second<<min(over-1, 10), longestPause))
	}
}

// record returns the strikes of key with what time has forgiven taken off.
func (l *limiter) record(key string, now time.Time) *strikes {
	if s, ok := l.records[key]; ok {
		if n := int(now.Sub(s.last) / forgiveOne); n > 0 {
			s.count = max(s.count-n, 0)
			s.last = s.last.Add(time.Duration(n) * forgiveOne)
		}
		return s
	}
	if len(l.records) >= maxRecords {
		l.makeRoom(now)
	}
	s := &strikes{last: now}
	l.records[key] = s
	return s
}

// makeRoom drops what time has forgiven entirely; when that is not enough, whatever comes first.
func (l *limiter) makeRoom(now time.Time) {
	for key, s := range l.records {
		if now.Sub(s.last) >= time.Duration(s.count)*forgiveOne {
			delete(l.records, key)
		}
	}
	for key := range l.records {
		if len(l.records) < maxRecords*9/10 {
			return
		}
		delete(l.records, key)
	}
}

// userKey takes all names that nobody can have as one, so that the length of what is remembered is bounded.
func userKey(user string) string {
	if access.ValidateName(user) != nil {
		return "user"
	}
	return "user " + user
}

// addressKey takes the addresses that one customer usually gets, an IPv6 /64, as one.
func addressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "address " + address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return "address " + prefix.String()
		}
	}
	return "address " + ip.String()
}

// seconds to wait, rounded up, at least one.
func seconds(wait time.Duration) int {
	return max(int(math.Ceil(wait.Seconds())), 1)
}
