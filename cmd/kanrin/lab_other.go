//go:build !linux

package main

import "github.com/spf13/cobra"

// newLab: labs are made of namespaces of Linux.
func (a *app) newLab() *cobra.Command { return nil }
