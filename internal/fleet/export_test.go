package fleet

import (
	"context"
	"log/slog"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"kanrin.dev/kanrin/internal/fleet/kubeconfig"
)

// ConnectWithoutStreaming connects as if the server were too old to stream what it has: lists are read in pages of a few.
func ConnectWithoutStreaming(name string, data []byte, pageSize int64) (*Connection, func(), error) {
	creds, err := kubeconfig.Parse(data, "")
	if err != nil {
		return nil, nil, err
	}
	c, err := newConnection(name, creds, Configuration{}.withDefaults(), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	for _, f := range c.feeds {
		f.limit = pageSize
		real := f.source.watch
		f.source.watch = func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			if o.SendInitialEvents != nil {
				return nil, apierrors.NewBadRequest("sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
			}
			return real(ctx, o)
		}
	}
	c.start()
	return c, c.close, nil
}
