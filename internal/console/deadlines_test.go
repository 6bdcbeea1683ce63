package console

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// pacedServer is a TLS server of both HTTP versions with deadlines of a quarter of a second.
func pacedServer(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(paced(handler, 250*time.Millisecond, 250*time.Millisecond))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func clientOf(s *httptest.Server, version int) *http.Client {
	c := s.Client()
	transport := c.Transport.(*http.Transport).Clone()
	if version == 1 {
		transport.ForceAttemptHTTP2 = false
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return &http.Client{Transport: transport}
}

func TestSlowBodyIsCut(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			result := make(chan error, 1)
			s := pacedServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != version {
					t.Errorf("the request came by HTTP/%d", r.ProtoMajor)
				}
				_, err := io.ReadAll(r.Body)
				result <- err
			})
			body, feed := io.Pipe()
			defer feed.Close()
			r, err := http.NewRequest("POST", s.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				if w, err := clientOf(s, version).Do(r); err == nil {
					w.Body.Close()
				}
			}()
			go fmt.Fprint(feed, "a") // and never another byte
			select {
			case err := <-result:
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("reading ended with %v, want the deadline", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("a body that does not end holds the handler")
			}
		})
	}
}

// A handler that works for longer than a body may take, and an answer that goes on for longer than a write may take, are let live.
func TestLongAnswersLive(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			s := pacedServer(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					t.Error(err)
				}
				control := http.NewResponseController(w)
				for i := range 4 {
					select {
					case <-r.Context().Done():
						t.Errorf("cut after %d lines: %v", i, context.Cause(r.Context()))
						return
					case <-time.After(400 * time.Millisecond): // what is measured is time itself
					}
					fmt.Fprintf(w, "line %d\n", i)
					if err := control.Flush(); err != nil {
						t.Errorf("line %d: %v", i, err)
					}
				}
			})
			w, err := clientOf(s, version).Post(s.URL, "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Body.Close()
			lines := 0
			for scan := bufio.NewScanner(w.Body); scan.Scan(); lines++ {
			}
			if lines != 4 {
				t.Fatalf("%d lines came", lines)
			}
		})
	}
}

func TestClientThatDoesNotReadIsCut(t *testing.T) {
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			result := make(chan error, 1)
			s := pacedServer(t, func(w http.ResponseWriter, r *http.Request) {
				chunk := make([]byte, 64<<10)
				for {
					if _, err := w.Write(chunk); err != nil {
						result <- err
						return
					}
				}
			})
			w, err := clientOf(s, version).Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Body.Close() // unread
			select {
			case <-result:
			case <-time.After(20 * time.Second):
				t.Fatal("the handler writes for ever")
			}
		})
	}
}
