// Package hoststest starts real SSH servers for tests: OpenSSH's sshd on the loopback interface, with keys of its own.
package hoststest
