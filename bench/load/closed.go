package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// closed asks on each connection as soon as the answer before is there.
func closed(args []string) error {
	flags := flag.NewFlagSet("closed", flag.ExitOnError)
	read := clientFlags(flags)
	connections := flags.Int("connections", 32, "")
	seconds := flags.Float64("seconds", 3, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := read()
	if err != nil {
		return err
	}
	var all samples
	began := time.Now()
	end := began.Add(time.Duration(*seconds * float64(time.Second)))
	if c.tls == nil {
		err = askPlain(c, *connections, end, &all)
	} else {
		askEncrypted(c, *connections, end, &all)
	}
	if err != nil {
		return err
	}
	return all.print(map[string]any{"seconds": time.Since(began).Seconds()})
}

// asking is one connection that waits for an answer.
type asking struct {
	message
	since time.Time
}

// askPlain keeps all connections busy from one loop.
func askPlain(c *client, connections int, end time.Time, all *samples) error {
	poll, err := newPoller()
	if err != nil {
		return err
	}
	open := map[int]*asking{}
	begin := func() error {
		fd, err := c.socket()
		if err != nil {
			return err
		}
		open[fd] = &asking{message: message{buffer: make([]byte, 32*1024)}, since: time.Now()}
		if err := poll.add(fd); err != nil {
			return err
		}
		return writeAll(fd, c.request)
	}
	for range connections {
		if err := begin(); err != nil {
			return err
		}
	}
	times := make([]time.Duration, 0, 1<<18)
	stop := func(fd int) {
		poll.remove(fd)
		delete(open, fd)
		_ = syscall.Close(fd)
	}
	again := func(fd int) error {
		a := open[fd]
		if err := a.fill(fd); err != nil {
			return err
		}
		if !a.isWhole() {
			return nil
		}
		if !isOK(a.head) {
			return fmt.Errorf("%w: %s", errStatus, a.head.first)
		}
		now := time.Now()
		times = append(times, now.Sub(a.since))
		a.reset()
		if now.After(end) || a.head.closes {
			stop(fd)
			if now.After(end) {
				return nil
			}
			return begin()
		}
		a.since = now
		return writeAll(fd, c.request)
	}
	for len(open) > 0 {
		err := poll.wait(1000, func(fd int) {
			if err := again(fd); err != nil {
				all.failed(err)
				stop(fd)
			}
		})
		if err != nil {
			return err
		}
	}
	all.add(times)
	return nil
}

// askEncrypted has a goroutine for each connection, which Go's TLS wants.
func askEncrypted(c *client, connections int, end time.Time, all *samples) {
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			times, err := askUntil(c, end)
			all.add(times)
			if err != nil {
				all.failed(err)
			}
		})
	}
	group.Wait()
}

// askUntil repeats the request on one connection, on a new one where the peer closes it.
func askUntil(c *client, end time.Time) ([]time.Duration, error) {
	times := make([]time.Duration, 0, 1<<14)
	conn, err := c.dial()
	for err == nil {
		began := time.Now()
		if began.After(end) {
			return times, conn.Close()
		}
		err = c.ask(conn)
		if err == nil || errors.Is(err, io.EOF) && time.Since(began) > 0 {
			times = append(times, time.Since(began))
		}
		if errors.Is(err, io.EOF) {
			conn.Close()
			conn, err = c.dial()
		}
	}
	return times, err
}
