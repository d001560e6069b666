//go:build unix

package main

import "syscall"

// detached gives a child its own session, so that it outlives this process and its terminal.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
