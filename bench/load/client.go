package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// client is what all the loads have in common: where to, and the bytes of the one request that they repeat.
type client struct {
	address string
	tls     *tls.Config
	request []byte
}

type headerFlags []string

func (h *headerFlags) String() string     { return strings.Join(*h, ", ") }
func (h *headerFlags) Set(v string) error { *h = append(*h, v); return nil }

// clientFlags adds the flags of every load; the function reads them after parsing.
func clientFlags(flags *flag.FlagSet) func() (*client, error) {
	target := flags.String("url", "", "")
	body := flags.String("body", "", "")
	ca := flags.String("ca", "", "")
	insecure := flags.Bool("insecure", false, "")
	var headers headerFlags
	flags.Var(&headers, "header", "")
	return func() (*client, error) {
		to, err := url.Parse(*target)
		if err != nil {
			return nil, err
		}
		c := &client{address: to.Host}
		if to.Scheme == "https" {
			c.tls = &tls.Config{MinVersion: tls.VersionTLS13, ServerName: to.Hostname(), InsecureSkipVerify: *insecure}
			if *ca != "" {
				pem, err := os.ReadFile(*ca)
				if err != nil {
					return nil, err
				}
				c.tls.RootCAs = x509.NewCertPool()
				if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
					return nil, errors.New("no certificate in " + *ca)
				}
			}
		}
		text := fmt.Sprintf("POST %s HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n", to.RequestURI(), to.Host, len(*body))
		for _, header := range headers {
			text += header + "\r\n"
		}
		c.request = []byte(text + "\r\n" + *body)
		return c, nil
	}
}

// connection is one keep-alive connection with its reader.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

func (c *client) dial() (*connection, error) {
	raw, err := net.DialTimeout("tcp", c.address, 30*time.Second)
	if err != nil {
		return nil, err
	}
	conn := raw
	if c.tls != nil {
		conn = tls.Client(raw, c.tls)
	}
	return &connection{Conn: conn, reader: bufio.NewReaderSize(conn, 16*1024)}, nil
}

// ask sends the request and reads the whole answer.
func (c *client) ask(conn *connection) error {
	if _, err := conn.Write(c.request); err != nil {
		return err
	}
	h, err := readHead(conn.reader)
	if err != nil {
		return err
	}
	if h.isChunked {
		_, err = io.Copy(io.Discard, bodyOf(h, conn.reader))
	} else if h.length > 0 {
		_, err = conn.reader.Discard(int(h.length))
	}
	if err == nil && !isOK(h) {
		return fmt.Errorf("%w: %s", errStatus, h.first)
	}
	if err == nil && h.closes {
		return io.EOF
	}
	return err
}
