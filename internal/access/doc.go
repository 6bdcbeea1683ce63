// Package access knows who people are and what they may do: local users with passwords, the sessions that stand for a
// signed-in user, the roles that bind users to clusters, and the question "may this user do that", put to the management
// API's own RBAC.
//
// Nothing is kept beside the management API: a user is a Secret of type kanrin.dev/user, a session a Secret of type
// kanrin.dev/session, a role a ClusterRoleBinding or RoleBinding, so that every replica and every restart sees the same.
// The package serves no HTTP; internal/console does.
//
// Invariant: no password and no token is ever stored, logged or printed by an error. What is stored are argon2id hashes of
// passwords and SHA-256 sums of session secrets; the one exception is the first administrator's password and kubeconfig, which
// are files that only their owner can read.
package access
