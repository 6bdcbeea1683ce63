package main

import (
	"context"
	"errors"
	"sort"
	"strings"
	"time"

	"kanrin.dev/kanrin/internal/cli"
	"kanrin.dev/kanrin/internal/cli/client"
	"kanrin.dev/kanrin/internal/cli/explain"
	"kanrin.dev/kanrin/internal/cli/kubeconfig"
)

// session is a connection to the console that the kubeconfig leads to.
type session struct {
	*client.Client
	app    *app
	choice *kubeconfig.Choice
	user   string
	// said are sentences that are told once in a command.
	said map[string]bool
}

// connect finds the console. Nothing is sent before the first call.
func (a *app) connect(what string) (*session, error) {
	return a.connectWith(what, a.kubeconfig)
}

func (a *app) connectWith(what, file string) (*session, error) {
	choice, err := kubeconfig.Choose(file, a.context)
	if err != nil {
		return nil, a.subject().Error(what, err)
	}
	c, err := client.New(choice.Config, userAgent())
	if err != nil {
		return nil, a.subject().Error(what, err)
	}
	told := map[string]bool{}
	c.OnStale = func(cluster string, since time.Time) {
		if !told[cluster] {
			told[cluster] = true
			a.say("cli.stale", "cluster", cluster, "since", since.Local().Format(time.DateTime))
		}
	}
	return &session{Client: c, app: a, choice: choice}, nil
}

// explain says what went wrong in a call.
func (s *session) explain(what string, err error) error { return s.subject().Error(what, err) }

func (s *session) subject() explain.Subject {
	subject := s.app.subject()
	subject.Server = s.Server
	if s.choice.Login != nil {
		subject.Expires = s.choice.Login.Expires
	}
	return subject
}

// me is the name of the signed-in user.
func (s *session) me(ctx context.Context) (string, error) {
	if s.user == "" {
		who, err := s.Session(ctx)
		if err != nil {
			return "", err
		}
		s.user = who.User
	}
	return s.user, nil
}

// clusterNames are the clusters that the user may see, sorted.
func (s *session) clusterNames(ctx context.Context) ([]string, error) {
	overview, err := s.Overview(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(overview.Clusters))
	for _, c := range overview.Clusters {
		names = append(names, c.Name)
	}
	sort.Strings(names)
	return names, nil
}

// clusterOf is the cluster that a command means: the flag's, the context's namespace, or the only one.
func (s *session) clusterOf(ctx context.Context, what string) (string, error) {
	if s.app.cluster != "" {
		return s.app.cluster, nil
	}
	if ns := s.choice.Namespace; ns != "" && ns != "default" {
		return ns, nil
	}
	names, err := s.clusterNames(ctx)
	if err != nil {
		return "", s.explain(what, err)
	}
	switch len(names) {
	case 1:
		return names[0], nil
	case 0:
		return "", &cli.Error{Code: cli.NotFound, What: what, Why: s.app.t("cli.why.noClusters"), Next: s.app.t("cli.next.noClusters")}
	}
	return "", s.app.badInput(what, s.app.t("cli.why.whichCluster", "clusters", strings.Join(names, ", ")), s.app.t("cli.next.whichCluster"))
}

// ref is an operation as the person would type it in the next command.
func (s *session) ref(cluster, name string) string {
	if s.app.cluster != "" || s.choice.Namespace != "" && s.choice.Namespace != cluster {
		return "operation/" + name + " -n " + cluster
	}
	return "operation/" + name
}

// detached is a context for what has to be tidied up after the person has broken off.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// isInterrupted reports whether the person has broken off.
func isInterrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled)
}
