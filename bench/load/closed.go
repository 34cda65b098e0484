package main

import (
	"errors"
	"flag"
	"io"
	"sync"
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
	var group sync.WaitGroup
	for range *connections {
		group.Go(func() {
			times, err := askUntil(c, end)
			all.add(times)
			if err != nil {
				all.failed(err)
			}
		})
	}
	group.Wait()
	return all.print(map[string]any{"seconds": time.Since(began).Seconds()})
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
