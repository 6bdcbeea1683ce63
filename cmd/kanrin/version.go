package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"kanrin.dev/kanrin/internal/buildinfo"
	"kanrin.dev/kanrin/internal/cli/kubeconfig"
	"kanrin.dev/kanrin/internal/cli/output"
)

func (a *app) newVersion() *cobra.Command {
	clientOnly := false
	c := a.command("version", "version [flags]", func(cmd *cobra.Command, _ []string) error { return a.version(cmd.Context(), clientOnly) })
	c.Args = a.arguments(0, 0, "")
	c.Flags().BoolVar(&clientOnly, "client", false, a.t("cli.flag.version.client"))
	return c
}

// versionResult is what version prints with -o json.
type versionResult struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Client     string `json:"client"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
	// Server is empty when there is no sign-in, or no answer.
	Server string `json:"server,omitempty"`
}

// version prints what this program is, and what the server is when one can be asked; it does not fail when none can.
func (a *app) version(ctx context.Context, clientOnly bool) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	r := versionResult{
		Kind: "Version", APIVersion: inventoryVersion, Client: buildinfo.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	why := ""
	if !clientOnly {
		r.Server, why = a.serverVersion(ctx)
	}
	if !format.Human() {
		return a.document(format, output.Document{Value: r, Items: []output.Item{{Name: "version/" + r.Client, Value: r}}})
	}
	fmt.Fprint(a.streams.Out, facts([][2]string{
		{a.label("client"), fmt.Sprintf("%s (%s, %s)", r.Client, r.Go, r.Platform)}, {a.label("server"), r.Server},
	}))
	if why != "" {
		a.say("cli.version.noServer", "why", why)
	}
	return nil
}

func (a *app) serverVersion(ctx context.Context) (version, why string) {
	if _, err := kubeconfig.Choose(a.kubeconfig, a.context); err != nil {
		return "", a.subject().Why(err)
	}
	s, err := a.connect("")
	if err != nil {
		return "", a.subject().Why(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	who, err := s.Session(ctx)
	if err != nil {
		return "", s.subject().Why(err)
	}
	return who.Version, ""
}
