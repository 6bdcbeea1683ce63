package controlplane

import "path/filepath"

const auditPolicyFile = "audit-policy.yaml"

// auditPolicy keeps who did what and when, never request bodies. Left out is only what machines repeat every few seconds and
// what changes nothing of interest: health checks, leases, events, questions about rights, and what the API server and the
// controllers read.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/readyz*", "/livez*", "/version", "/openapi/*"]
- level: None
  resources:
  - group: coordination.k8s.io
    resources: [leases]
  - group: events.k8s.io
    resources: [events]
  - group: ""
    resources: [events]
- level: None
  resources:
  - group: authorization.k8s.io
  - group: authentication.k8s.io
- level: None
  verbs: [get, list, watch]
  users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", kwok]
- level: None
  verbs: [get, list, watch]
  userGroups: ["system:serviceaccounts:kube-system"]
- level: Metadata
`

func (c *ControlPlane) writeAuditPolicy() error {
	if err := privateDir(filepath.Join(c.conf.Dir, "audit")); err != nil {
		return err
	}
	return writeFile(filepath.Join(c.conf.Dir, auditPolicyFile), []byte(auditPolicy), 0o600)
}
