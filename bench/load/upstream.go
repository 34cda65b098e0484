package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The request says what it wants with fields that every gateway passes on:
//
//	stream false: max_tokens above 1000 asks for 8 KB, else 0.3 KB
//	stream true:  max_tokens is the number of events, seed the milliseconds between them (0: as fast as it goes)
const longAnswer = 1000

// Events of a burst go out in writes of this size, as a busy server's kernel would put them together.
const burstBytes = 16 * 1024

var (
	connections atomic.Int64
	served      atomic.Int64
	smallAnswer = jsonAnswer(60)
	largeAnswer = jsonAnswer(7800)
	models      = answer(`{"object":"list","data":[{"id":"tiny","object":"model","created":1795329640,"owned_by":"vllm","root":"tiny","parent":null,"max_model_len":131072}]}`)
	version     = answer(`{"version":"0.32.0"}`)
	nothing     = []byte("HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
	streamHead  = []byte("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n")
)

func jsonAnswer(contentBytes int) []byte {
	text := strings.Repeat("the sea was calm and ", contentBytes/21+1)[:contentBytes]
	return answer(`{"id":"chatcmpl-a7eab93586ee4d04","object":"chat.completion","created":1795329640,"model":"tiny","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		text + `","refusal":null},"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":5,"total_tokens":11,"completion_tokens":6}}`)
}

func answer(body string) []byte {
	return []byte("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

func upstream(args []string) error {
	flags := flag.NewFlagSet("upstream", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("{\"listening\":%q}\n", listener.Addr().String())
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		connections.Add(1)
		go func() {
			defer connections.Add(-1)
			defer connection.Close()
			serve(connection)
		}()
	}
}

func serve(connection net.Conn) {
	reader := bufio.NewReaderSize(connection, 4*1024)
	var body bytes.Buffer
	for {
		h, err := readHead(reader)
		if err != nil {
			return
		}
		body.Reset()
		if _, err := io.Copy(&body, bodyOf(h, reader)); err != nil {
			return
		}
		served.Add(1)
		if err := respond(connection, h, body.Bytes()); err != nil || h.closes {
			return
		}
	}
}

func respond(w io.Writer, h head, body []byte) error {
	_, target, _ := strings.Cut(h.first, " ")
	target, _, _ = strings.Cut(target, " ")
	switch {
	case strings.HasSuffix(target, "/chat/completions"):
		return chat(w, body)
	case strings.HasSuffix(target, "/models"):
		_, err := w.Write(models)
		return err
	case strings.HasSuffix(target, "/version") || strings.HasSuffix(target, "/health"):
		_, err := w.Write(version)
		return err
	case target == "/_bench":
		_, err := w.Write(answer(fmt.Sprintf(`{"connections":%d,"served":%d}`, connections.Load(), served.Load())))
		return err
	}
	_, err := w.Write(nothing)
	return err
}

func chat(w io.Writer, body []byte) error {
	wanted := number(body, `"max_tokens"`, 16)
	if !isTrue(body, `"stream"`) {
		out := smallAnswer
		if wanted > longAnswer {
			out = largeAnswer
		}
		_, err := w.Write(out)
		return err
	}
	interval := time.Duration(number(body, `"seed"`, 10)) * time.Millisecond
	return stream(w, wanted, interval)
}

const (
	eventBefore = `data: {"id":"chatcmpl-a7eab93586ee4d04","object":"chat.completion.chunk","created":1795329640,"model":"tiny","choices":[{"index":0,"delta":{"content":" ` + mark
	eventAfter  = `"},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	eventUsage  = `data: {"id":"chatcmpl-a7eab93586ee4d04","object":"chat.completion.chunk","created":1795329640,"model":"tiny","choices":[],"usage":{"prompt_tokens":5,"total_tokens":11,"completion_tokens":6}}` + "\n\n"
	eventDone   = "data: [DONE]\n\n"
)

func stream(w io.Writer, events int, interval time.Duration) error {
	out := append(make([]byte, 0, 1024), streamHead...)
	if _, err := w.Write(out); err != nil {
		return err
	}
	out = out[:0]
	next := time.Now()
	for i := 0; i < events; i++ {
		if interval > 0 {
			next = next.Add(interval)
			time.Sleep(time.Until(next))
		}
		out = appendEvent(out)
		if interval > 0 || len(out) > burstBytes {
			if _, err := w.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
	}
	for _, event := range []string{eventUsage, eventDone, ""} {
		out = appendChunk(out, event)
	}
	_, err := w.Write(out)
	return err
}

// appendEvent writes an event that carries the time at which it is sent.
func appendEvent(out []byte) []byte {
	out = strconv.AppendInt(out, int64(len(eventBefore)+timeDigits+len(eventAfter)), 16)
	out = append(out, "\r\n"+eventBefore...)
	out = strconv.AppendInt(out, time.Now().UnixNano(), 10)
	return append(out, eventAfter+"\r\n"...)
}

func appendChunk(out []byte, text string) []byte {
	out = strconv.AppendInt(out, int64(len(text)), 16)
	out = append(out, "\r\n"...)
	out = append(out, text...)
	return append(out, "\r\n"...)
}

// number finds the integer after a name in a JSON text, however it is spaced.
func number(body []byte, name string, otherwise int) int {
	rest := after(body, name)
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(string(rest[:end]))
	if err != nil {
		return otherwise
	}
	return n
}

func isTrue(body []byte, name string) bool {
	return bytes.HasPrefix(after(body, name), []byte("true"))
}

func after(body []byte, name string) []byte {
	at := bytes.Index(body, []byte(name))
	if at < 0 {
		return nil
	}
	return bytes.TrimLeft(body[at+len(name):], ": ")
}
