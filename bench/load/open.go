package main

import (
	"flag"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// open asks at fixed times, whether or not the answers before are there, and measures from the time at which the
// request was meant to go out: a peer that stalls cannot hide it by being asked less (coordinated omission).
func open(args []string) error {
	flags := flag.NewFlagSet("open", flag.ExitOnError)
	read := clientFlags(flags)
	rate := flags.Float64("rate", 500, "")
	seconds := flags.Float64("seconds", 5, "")
	connections := flags.Int("connections", 64, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := read()
	if err != nil {
		return err
	}
	total := int(*rate * *seconds)
	meant := make(chan time.Time, total)
	var all samples
	var group, connected sync.WaitGroup
	connected.Add(*connections)
	for range *connections {
		group.Go(func() {
			conn, err := c.dial()
			if err == nil {
				err = c.ask(conn) // what a first request costs is not measured
			}
			connected.Done()
			var times []time.Duration
			for at := range meant {
				if err != nil {
					conn, err = c.dial()
				}
				if err == nil {
					err = c.ask(conn)
				}
				if err != nil {
					all.failed(err)
					continue
				}
				times = append(times, time.Since(at))
			}
			all.add(times)
		})
	}
	connected.Wait()
	dispatch(meant, total, time.Duration(float64(time.Second) / *rate))
	group.Wait()
	return all.print(map[string]any{})
}

// dispatch sleeps in the kernel: the runtime's own timers are as coarse as a millisecond.
func dispatch(meant chan<- time.Time, total int, apart time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	at := time.Now()
	for range total {
		at = at.Add(apart)
		for wait := time.Until(at); wait > 0; wait = time.Until(at) {
			pause := syscall.NsecToTimespec(int64(wait))
			_ = syscall.Nanosleep(&pause, nil)
		}
		meant <- at
	}
	close(meant)
}
