package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strconv"
)

// head is what the bench needs of a message's head.
type head struct {
	first     string
	length    int64 // -1 where it is not said
	isChunked bool
	closes    bool
}

// readHead reads a head up to its empty line without building a map of its fields: the generator must cost less
// than what it measures.
func readHead(r *bufio.Reader) (head, error) {
	h := head{length: -1}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	h.first = string(bytes.TrimRight(line, "\r\n"))
	for {
		line, err = r.ReadSlice('\n')
		if err != nil {
			return h, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		h.field(line)
	}
}

func (h *head) field(line []byte) {
	switch {
	case hasName(line, "content-length"):
		length, err := strconv.ParseInt(string(bytes.TrimSpace(line[15:])), 10, 64)
		if err == nil {
			h.length = length
		}
	case hasName(line, "transfer-encoding"):
		h.isChunked = true
	case hasName(line, "connection"):
		h.closes = bytes.EqualFold(bytes.TrimSpace(line[11:]), []byte("close"))
	}
}

func hasName(line []byte, name string) bool {
	if len(line) <= len(name) || line[len(name)] != ':' || line[0]|0x20 != name[0] {
		return false
	}
	return bytes.EqualFold(line[:len(name)], []byte(name))
}

// bodyOf is the reader of a body whose head was read.
func bodyOf(h head, r *bufio.Reader) io.Reader {
	switch {
	case h.isChunked:
		return &chunkedBody{inner: httputil.NewChunkedReader(r), r: r}
	case h.length >= 0:
		return io.LimitReader(r, h.length)
	default:
		return bytes.NewReader(nil)
	}
}

// chunkedBody also takes the empty line after the last chunk, which the standard reader leaves for trailers.
type chunkedBody struct {
	inner io.Reader
	r     *bufio.Reader
	ended bool
}

func (b *chunkedBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.inner.Read(p)
	if err == io.EOF {
		b.ended = true
		for {
			line, lineErr := b.r.ReadSlice('\n')
			if lineErr != nil {
				return n, lineErr
			}
			if len(bytes.TrimRight(line, "\r\n")) == 0 {
				break
			}
		}
	}
	return n, err
}

var errStatus = errors.New("the status is not 200")

func isOK(h head) bool {
	return len(h.first) >= 12 && h.first[9:12] == "200"
}
