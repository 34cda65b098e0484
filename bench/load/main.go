// Command load is the native half of the bench: an upstream that answers as vLLM does, and the clients that load it.
// A generator in Node.js would be slower than what it has to load.
package main

import (
	"fmt"
	"os"
)

const usage = `load upstream -listen HOST:PORT
load closed -url URL -connections N -seconds S     requests one after another on each connection
load open   -url URL -rate N -seconds S            requests at fixed times, answered or not
load sse    -url URL -streams N                    streams that are read to their end
load hold   -url URL -streams N -seconds S         streams that stay open

Clients take -body, -header NAME:VALUE, -ca FILE or -insecure, and print one JSON object.
`

func main() {
	commands := map[string]func([]string) error{
		"upstream": upstream,
		"closed":   closed,
		"open":     open,
		"sse":      sse,
		"hold":     hold,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
