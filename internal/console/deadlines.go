package console

import (
	"io"
	"net/http"
	"time"
)

const (
	// bodyTime is how long a client may take to send a body, all of it.
	bodyTime = time.Minute
	// writeTime is how long a client may take to accept one write. Answers as a whole have no limit: watches live for long.
	writeTime = 30 * time.Second
)

// paced gives every request deadlines that slow clients cannot stretch, without ending long answers.
func paced(next http.Handler, bodyTime, writeTime time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.ContentLength != 0 && r.Body != nil {
			_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // both HTTP versions of net/http support it
			r.Body = &pacedBody{ReadCloser: r.Body, control: control}
		}
		next.ServeHTTP(&pacedWriter{ResponseWriter: w, control: control, time: writeTime}, r)
		_ = control.SetWriteDeadline(time.Now().Add(writeTime)) // for what is still buffered
	})
}

// pacedBody lifts the deadline when the body has been read, so that it does not end a handler that goes on working.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	time    time.Duration
}

func (w *pacedWriter) Write(p []byte) (int, error) {
	defer w.limit()()
	return w.ResponseWriter.Write(p)
}

// FlushError is what http.ResponseController.Flush calls.
func (w *pacedWriter) FlushError() error {
	defer w.limit()()
	return w.control.Flush()
}

func (w *pacedWriter) Flush() { _ = w.FlushError() } // the error shows in the next write

// Unwrap leads http.ResponseController to the deadlines of the connection.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// limit sets a deadline and returns what lifts it: HTTP/2 ends a stream whose deadline passes even when nothing is being written.
func (w *pacedWriter) limit() func() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.time))
	return func() { _ = w.control.SetWriteDeadline(time.Time{}) }
}
