package client

import (
	"context"
	"net/http"
	"net/url"

	"kanrin.dev/kanrin/api/inventory"
)

// SignIn exchanges a password for a bearer token.
func (c *Client) SignIn(ctx context.Context, user, password string) (*inventory.Session, error) {
	body := struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Token    bool   `json:"token"`
	}{user, password, true}
	var out inventory.Session
	err := c.call(ctx, request{method: http.MethodPost, path: []string{"login"}, body: body, verb: "create", resource: "sessions"}, &out)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// SignOut ends the session that the client's token stands for.
func (c *Client) SignOut(ctx context.Context) error {
	return c.call(ctx, request{method: http.MethodPost, path: []string{"logout"}, verb: "delete", resource: "sessions"}, nil)
}

// Session is who the client's token stands for.
func (c *Client) Session(ctx context.Context) (*inventory.Session, error) {
	var out inventory.Session
	if err := c.call(ctx, request{method: http.MethodGet, path: []string{"session"}, verb: "get", resource: "sessions"}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ChangePassword changes the caller's own password.
func (c *Client) ChangePassword(ctx context.Context, old, new string) error {
	body := struct {
		Old string `json:"old"`
		New string `json:"new"`
	}{old, new}
	return c.call(ctx, request{method: http.MethodPost, path: []string{"password"}, body: body, verb: "update", resource: "password"}, nil)
}

// Users lists the local users.
func (c *Client) Users(ctx context.Context) ([]inventory.User, error) {
	return all[inventory.User](ctx, c, request{path: []string{"users"}, verb: "list", resource: "users"})
}

// AddUser makes a local user.
func (c *Client) AddUser(ctx context.Context, u inventory.User) error {
	return c.call(ctx, request{method: http.MethodPost, path: []string{"users"}, body: u, verb: "create", resource: "users", name: u.Name}, nil)
}

// UserChange is what may change of a user; what is nil stays.
type UserChange struct {
	Password *string            `json:"password,omitempty"`
	Roles    *map[string]string `json:"roles,omitempty"`
	Disabled *bool              `json:"disabled,omitempty"`
}

// ChangeUser changes a local user.
func (c *Client) ChangeUser(ctx context.Context, name string, change UserChange) error {
	return c.call(ctx, request{method: http.MethodPatch, path: []string{"users", name}, body: change, verb: "update", resource: "users", name: name}, nil)
}

// RemoveUser removes a local user and ends its sessions.
func (c *Client) RemoveUser(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: []string{"users", name}, verb: "delete", resource: "users", name: name}, nil)
}

// Overview is what the caller may see of all clusters.
func (c *Client) Overview(ctx context.Context) (*inventory.Overview, error) {
	var out inventory.Overview
	err := c.call(ctx, request{method: http.MethodGet, path: []string{"overview"}, verb: "list", resource: "clusters"}, &out)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// Access says which verbs the caller has in a cluster, by resource.
func (c *Client) Access(ctx context.Context, cluster string) (map[string]map[string]bool, error) {
	var out map[string]map[string]bool
	r := request{method: http.MethodGet, path: []string{"clusters", cluster, "access"}, verb: "get", resource: "clusters", cluster: cluster}
	if err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// query makes url.Values from name, value, … and leaves out what is empty.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}
