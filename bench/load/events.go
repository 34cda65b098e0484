package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// The two halves that must be faster than a proxy in C, requests and short answers in the clear, run on epoll
// without goroutines: on one core together they cost less than what they load. Everything else is plain Go.

// poller is an epoll set of non-blocking sockets.
type poller struct {
	epoll  int
	events [512]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &poller{epoll: epoll}, err
}

func (p *poller) add(fd int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	return syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
}

func (p *poller) remove(fd int) {
	_ = syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, fd, nil)
}

// wait calls a function for each socket that can be read; timeoutMs -1 waits without end.
func (p *poller) wait(timeoutMs int, each func(fd int)) error {
	n, err := syscall.EpollWait(p.epoll, p.events[:], timeoutMs)
	if errors.Is(err, syscall.EINTR) {
		return nil
	}
	for i := range max(n, 0) {
		each(int(p.events[i].Fd))
	}
	return err
}

// socketOf takes a connection's socket from Go's runtime.
func socketOf(conn interface{ File() (*os.File, error) }) (int, error) {
	file, err := conn.File()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	return fd, err
}

// connOf gives a socket to Go's runtime.
func connOf(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "")
	defer file.Close()
	return net.FileConn(file)
}

// writeAll writes to a non-blocking socket; what is written here is smaller than a socket's buffer.
func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := syscall.Write(fd, data)
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

var errNoRoom = errors.New("the message is longer than the buffer")

// message gathers what arrives of one message on one socket.
type message struct {
	buffer []byte
	filled int
	head   head
	// Bytes of the head; 0 until it is there.
	headBytes int
}

// fill reads what is there. io.EOF at the end of the connection.
func (m *message) fill(fd int) error {
	if m.filled == len(m.buffer) {
		return errNoRoom
	}
	n, err := syscall.Read(fd, m.buffer[m.filled:])
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return nil
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	m.filled += n
	return nil
}

// isWhole is whether the message has arrived to its end.
func (m *message) isWhole() bool {
	if m.headBytes == 0 {
		at := bytes.Index(m.buffer[:m.filled], []byte("\r\n\r\n"))
		if at < 0 {
			return false
		}
		m.headBytes = at + 4
		m.head = parseHead(m.buffer[:at+2])
	}
	if m.head.isChunked {
		// Nothing follows before we answer or ask again, so the last chunk ends what has arrived.
		return bytes.HasSuffix(m.buffer[:m.filled], []byte("\r\n0\r\n\r\n"))
	}
	return m.filled >= m.headBytes+int(max(m.head.length, 0))
}

func (m *message) body() []byte { return m.buffer[m.headBytes:m.filled] }

func (m *message) reset() {
	m.filled, m.headBytes = 0, 0
}
