package console

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"kanrin.dev/kanrin/api/inventory"
	"kanrin.dev/kanrin/internal/access"
	"kanrin.dev/kanrin/internal/httpapi"
)

// listUsers serves GET /kanrin/v1/users.
func (c *Console) listUsers(w http.ResponseWriter, r *http.Request) {
	users, err := c.access.Users(r.Context())
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, inventory.Page[inventory.User]{Items: users, Total: len(users)})
}

// createUser serves POST /kanrin/v1/users.
func (c *Console) createUser(w http.ResponseWriter, r *http.Request) {
	var in inventory.User
	if err := readJSON(r, &in); err != nil {
		c.refuse(w, r, err)
		return
	}
	user, err := c.access.CreateUser(r.Context(), in)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	c.auditUser(r, "user created", user.Name, "roles", rolesText(user.Roles), "disabled", user.Disabled)
	httpapi.WriteJSON(w, http.StatusCreated, user)
}

// updateUser serves PATCH /kanrin/v1/users/{name}.
func (c *Console) updateUser(w http.ResponseWriter, r *http.Request) {
	var change access.UserChange
	if err := readJSON(r, &change); err != nil {
		c.refuse(w, r, err)
		return
	}
	user, err := c.access.UpdateUser(r.Context(), r.PathValue("name"), change)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	c.auditUser(r, "user changed", user.Name, "roles", rolesText(user.Roles), "disabled", user.Disabled, "passwordSet", change.Password != nil)
	httpapi.WriteJSON(w, http.StatusOK, user)
}

// deleteUser serves DELETE /kanrin/v1/users/{name}.
func (c *Console) deleteUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := c.access.DeleteUser(r.Context(), name); err != nil {
		c.refuse(w, r, err)
		return
	}
	c.auditUser(r, "user removed", name)
	httpapi.WriteJSON(w, http.StatusOK, success())
}

func (c *Console) auditUser(r *http.Request, what, user string, attrs ...any) {
	by, _ := httpapi.CallerFrom(r.Context())
	c.audit.Info(what, append([]any{"user", user, "by", by.User, "address", clientAddress(r), "session", by.Session}, attrs...)...)
}

func rolesText(roles map[string]string) string {
	var parts []string
	for _, cluster := range slices.Sorted(maps.Keys(roles)) {
		parts = append(parts, cluster+"="+roles[cluster])
	}
	return strings.Join(parts, ",")
}
