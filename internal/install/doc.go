// Package install brings into a management API what Kanrin needs there: its kinds, its namespace, the roles of its users and
// the admission policies that bind approvals to those roles.
//
// It makes no users (internal/access) and no clusters (internal/fleet). Invariant: applying it again, or over an older
// version, changes nothing but what the new version says; and no role that it brings can read Secrets.
package install
