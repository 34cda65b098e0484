package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// mark stands before the time of sending in each event: `@1795329640123456789`.
const mark = "@"
const timeDigits = 19

// sse opens streams and reads each to its end; what it prints are the ages of the events when they arrived.
func sse(args []string) error {
	flags := flag.NewFlagSet("sse", flag.ExitOnError)
	read := clientFlags(flags)
	streams := flags.Int("streams", 200, "")
	turns := flags.Int("turns", 1, "how often each connection streams")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := read()
	if err != nil {
		return err
	}
	var all samples
	var group sync.WaitGroup
	began := time.Now()
	for range *streams {
		group.Go(func() {
			var ages []time.Duration
			conn, err := c.dial()
			if err == nil {
				defer conn.Close()
			}
			for range *turns {
				if err != nil {
					break
				}
				ages, err = c.readStream(conn, ages, nil)
			}
			all.add(ages)
			if err != nil {
				all.failed(err)
			}
		})
	}
	group.Wait()
	return all.print(map[string]any{"seconds": time.Since(began).Seconds()})
}

// readStream sends the request and adds the age of each event of the answer. `onFirst` is called at the first one.
func (c *client) readStream(conn *connection, ages []time.Duration, onFirst func()) ([]time.Duration, error) {
	if _, err := conn.Write(c.request); err != nil {
		return ages, err
	}
	h, err := readHead(conn.reader)
	if err != nil {
		return ages, err
	}
	if !isOK(h) {
		return ages, fmt.Errorf("%w: %s", errStatus, h.first)
	}
	body := bodyOf(h, conn.reader)
	buffer := make([]byte, 8*1024)
	kept := 0
	isDone := false
	for {
		n, err := body.Read(buffer[kept:])
		nowNs := time.Now().UnixNano()
		text := buffer[:kept+n]
		for {
			at := bytes.Index(text, []byte(mark))
			if at < 0 || at+1+timeDigits > len(text) {
				break
			}
			sentNs, numberErr := strconv.ParseInt(string(text[at+1:at+1+timeDigits]), 10, 64)
			if numberErr != nil {
				return ages, numberErr
			}
			if onFirst != nil {
				onFirst()
				onFirst = nil
			}
			ages = append(ages, time.Duration(nowNs-sentNs))
			text = text[at+1+timeDigits:]
		}
		isDone = isDone || bytes.Contains(text, []byte("[DONE]"))
		// A mark that was cut, or the end of the stream, may begin in the last bytes.
		keep := min(len(text), timeDigits)
		kept = copy(buffer, text[len(text)-keep:])
		if err == io.EOF {
			if !isDone {
				return ages, fmt.Errorf("the stream ended early after %d events", len(ages))
			}
			return ages, nil
		}
		if err != nil {
			return ages, err
		}
	}
}

// hold opens streams, says so on standard error when all have had their first event, and keeps them for a while.
func hold(args []string) error {
	flags := flag.NewFlagSet("hold", flag.ExitOnError)
	read := clientFlags(flags)
	streams := flags.Int("streams", 10000, "")
	seconds := flags.Float64("seconds", 10, "")
	perSecond := flags.Int("per-second", 1000, "how many are opened in a second")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := read()
	if err != nil {
		return err
	}
	var all samples
	var group, opened sync.WaitGroup
	opened.Add(*streams)
	var held sync.Map
	for i := range *streams {
		group.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(*perSecond))
			isOpen := sync.OnceFunc(opened.Done)
			defer isOpen()
			conn, err := c.dial()
			if err != nil {
				all.failed(err)
				return
			}
			held.Store(conn, true)
			ages, err := c.readStream(conn, nil, isOpen)
			all.add(ages)
			if _, isStillHeld := held.Load(conn); isStillHeld {
				all.failed(fmt.Errorf("a stream ended: %w", err))
			}
		})
	}
	opened.Wait()
	fmt.Fprintln(os.Stderr, "open")
	time.Sleep(time.Duration(*seconds * float64(time.Second)))
	held.Range(func(conn, _ any) bool {
		held.Delete(conn)
		conn.(*connection).Close()
		return true
	})
	group.Wait()
	return all.print(map[string]any{})
}
