package inventory

import (
	"time"

	"kanrin.dev/kanrin/api/v1alpha1"
)

// Host is one row of the list of machines.
type Host struct {
	Name    string              `json:"name"`
	UID     string              `json:"uid"`
	Created time.Time           `json:"created"`
	Address string              `json:"address"`
	Port    int32               `json:"port"`
	User    string              `json:"user"`
	Roles   []v1alpha1.HostRole `json:"roles,omitempty"`
	Node    string              `json:"node,omitempty"`
	Group   string              `json:"group,omitempty"`
	Tier    int32               `json:"tier"`
	// State is what the last look said. Its sentence is hoststate.<State>.<params.why> of the catalogue if there is one, else
	// hoststate.<State>; Message is its English, empty when the machine is reachable.
	State   v1alpha1.HostState `json:"state"`
	Message string             `json:"message,omitempty"`
	Params  map[string]string  `json:"params,omitempty"`
	// Fingerprint of the pinned host key.
	Fingerprint string `json:"fingerprint,omitempty"`
	OS          string `json:"os,omitempty"`
	Kernel      string `json:"kernel,omitempty"`
	Runtime     string `json:"runtime,omitempty"`
	Kubelet     string `json:"kubelet,omitempty"`
	// Power is on, off or unknown; empty without power control. PowerBy is bmc or command.
	Power    string     `json:"power,omitempty"`
	PowerBy  string     `json:"powerBy,omitempty"`
	LastSeen *time.Time `json:"lastSeen,omitempty"`
	// ClockOffsetMilliseconds is the machine's clock minus Kanrin's, ClockErrorMilliseconds how far that may be off; 0 when not known.
	ClockOffsetMilliseconds int64 `json:"clockOffsetMilliseconds"`
	ClockErrorMilliseconds  int64 `json:"clockErrorMilliseconds"`
}

// ScanHost asks for the host key of a machine.
type ScanHost struct {
	Address string `json:"address"`
	Port    int32  `json:"port,omitempty"`
}

// ScannedKey is the host key that a machine shows: Key as authorized_keys has it, which is what HostSpec.HostKey takes.
type ScannedKey struct {
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type"`
}

// AddHost makes a Host together with the Secrets that it needs, which nobody but Kanrin can read again.
type AddHost struct {
	Name string            `json:"name"`
	Spec v1alpha1.HostSpec `json:"spec"`
	// PrivateKey in OpenSSH or PEM form, unencrypted. Spec.KeySecret must be empty then.
	PrivateKey string `json:"privateKey,omitempty"`
	// BMCUser and BMCPassword belong to Spec.Power.BMC, whose CredentialsSecret must be empty then.
	BMCUser     string `json:"bmcUser,omitempty"`
	BMCPassword string `json:"bmcPassword,omitempty"`
}
