package main

import (
	"io"
	"log/slog"
	"path/filepath"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	controllerlog "sigs.k8s.io/controller-runtime/pkg/log"

	server "kanrin.dev/kanrin/internal/app"
)

// upLog opens the server's own log: a file always, and stderr with -v. The client libraries' own lines go there too.
func (a *app) upLog(o upOptions) (*slog.Logger, func(), error) {
	path := o.logFile
	if path == "" {
		path = filepath.Join(o.conf.DataDir, "logs", "kanrin.log")
	}
	file, err := server.OpenLog(path)
	if err != nil {
		return nil, nil, err
	}
	handler := func(w io.Writer) slog.Handler {
		if o.logFormat == "json" {
			return slog.NewJSONHandler(w, nil)
		}
		return slog.NewTextHandler(w, nil)
	}
	handlers := []slog.Handler{handler(file)}
	if a.verbose {
		handlers = append(handlers, handler(a.streams.Err))
	}
	log := slog.New(slog.NewMultiHandler(handlers...))
	klog.SetSlogLogger(log)
	controllerlog.SetLogger(logr.FromSlogHandler(log.Handler()))
	return log, func() {
		klog.Flush()
		_ = file.Close() // nothing is written any more
	}, nil
}
